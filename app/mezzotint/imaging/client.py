"""Asks the renderers for pictures. Plain sockets, so it is at home under gevent; it never waits without an end."""

from __future__ import annotations

import socket
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mezzotint.imaging import wire
from mezzotint.imaging.jobs import Inspection, InspectJob, PoolStatus, Rendered, RenderJob
from mezzotint.model.errors import (
    InternalError,
    InvalidOperation,
    MezzotintError,
    OutputTooLarge,
    Overloaded,
    PictureRefused,
    RenderTimeout,
    Unavailable,
    UnsupportedType,
)

__all__ = ["InspectJob", "Inspection", "PoolStatus", "RenderJob", "Rendered", "RendererDied", "Renderers"]

_SLACK = 2.0
"""seconds past a job's deadline after which nobody will answer any more"""
_PING_SECONDS = 2.0


class RendererDied(Unavailable):
    """The renderer broke down over this very job; another one may well do so too."""


_REFUSALS: dict[str, type[MezzotintError]] = {
    kind.code: kind
    for kind in (InvalidOperation, OutputTooLarge, Overloaded, PictureRefused, RenderTimeout, UnsupportedType)
}


class Renderers:
    """The pool behind the socket at `path`. Safe to use from many threads or greenlets: one connection a job."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def render(self, job: RenderJob) -> Rendered:
        """The variant. Raises OutputTooLarge and what `inspect` raises."""
        facts, data = self._ask("render", job, job.deadline)
        return Rendered(data=data, **facts)

    def inspect(self, job: InspectJob) -> Inspection:
        """The facts of an original. Raises PictureRefused, UnsupportedType, Overloaded, RenderTimeout, Unavailable."""
        facts, _ = self._ask("inspect", job, job.deadline)
        return Inspection(**facts)

    def ping(self) -> PoolStatus:
        """How the pool is doing, answered at once by its master. Raises Unavailable."""
        try:
            facts, _ = self._exchange({"kind": "ping"}, _PING_SECONDS)
        except TimeoutError as problem:
            raise Unavailable("renderers") from problem
        return PoolStatus(**facts)

    def _ask(self, kind: str, job: RenderJob | InspectJob, deadline: float) -> tuple[dict[str, Any], bytes]:
        # The clock that counts since the machine's start is the same in every process.
        header = asdict(job) | {"kind": kind, "source": str(job.source), "expires": time.monotonic() + deadline}
        try:
            return self._exchange(header, deadline + _SLACK)
        except TimeoutError as problem:
            raise RenderTimeout from problem

    def _exchange(self, header: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(seconds)
                connection.connect(self._path)
                connection.sendall(wire.pack(header))
                answer, body = wire.receive(connection)
        except TimeoutError:
            raise
        except (OSError, wire.BrokenMessage) as problem:
            raise Unavailable("renderers") from problem
        if "error" in answer:
            raise _refusal(answer)
        return answer, body


def _refusal(answer: dict[str, Any]) -> MezzotintError:
    code, detail = str(answer["error"]), str(answer.get("detail", ""))
    if code == "renderer_died":
        return RendererDied("renderers", detail)
    if code == Unavailable.code:
        return Unavailable("renderers", detail)
    return _REFUSALS.get(code, InternalError)(detail, retry_after=answer.get("retry_after"))
