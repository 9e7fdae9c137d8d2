"""Asks the renderers for pictures. Plain sockets, so it is at home under gevent; it never waits without an end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mezzotint.breaker import Breaker
from mezzotint.imaging import wire
from mezzotint.imaging.jobs import Inspection, InspectJob, MezzanineJob, PoolStatus, Rendered, RenderJob
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

__all__ = [
    "InspectJob",
    "Inspection",
    "MezzanineJob",
    "PoolStatus",
    "RenderJob",
    "Rendered",
    "RendererDied",
    "Renderers",
]

_SLACK = 2.0
"""seconds past a job's deadline after which nobody will answer any more"""
_PING_SECONDS = 2.0
_SILENCE_SECONDS = 1.0
"""without an answer to a job, after which the pool is asked for a sign of life: it may be busy, or hang"""


class _Away(Exception):
    """Nobody answers behind the socket."""


class RendererDied(Unavailable):
    """The renderer broke down over this very job; another one may well do so too."""


_REFUSALS: dict[str, type[MezzotintError]] = {
    kind.code: kind
    for kind in (InvalidOperation, OutputTooLarge, Overloaded, PictureRefused, RenderTimeout, UnsupportedType)
}


class Renderers:
    """The pool behind the socket at `path`. Safe to use from many threads or greenlets: one connection a job.

    While `breaker` is open, every method raises Unavailable at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self.breaker = Breaker("renderers", trouble=_Away, refusal=_Away)

    def render(self, job: RenderJob) -> Rendered:
        """The variant. Raises OutputTooLarge and what `inspect` raises."""
        facts, data = self._ask("render", job, job.deadline)
        return Rendered(data=data, **facts)

    def mezzanine(self, job: MezzanineJob) -> Rendered:
        """The mezzanine of an original. Raises what `inspect` raises."""
        facts, data = self._ask("mezzanine", job, job.deadline)
        return Rendered(data=data, **facts)

    def inspect(self, job: InspectJob) -> Inspection:
        """The facts of an original. Raises PictureRefused, UnsupportedType, Overloaded, RenderTimeout, Unavailable."""
        facts, _ = self._ask("inspect", job, job.deadline)
        return Inspection(**facts)

    def ping(self) -> PoolStatus:
        """How the pool is doing, answered at once by its master. Raises Unavailable."""
        with self._reaching():
            return self._ping()

    def _ask(
        self, kind: str, job: RenderJob | MezzanineJob | InspectJob, deadline: float
    ) -> tuple[dict[str, Any], bytes]:
        # The clock that counts since the machine's start is the same in every process.
        header = asdict(job) | {"kind": kind, "source": str(job.source), "expires": time.monotonic() + deadline}
        with self._reaching():
            try:
                return self._exchange(header, deadline + _SLACK, meanwhile=self._ping)
            except TimeoutError as problem:
                raise RenderTimeout from problem

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            with self.breaker.guard():
                yield
        except _Away as problem:
            raise Unavailable("renderers") from problem

    def _ping(self) -> PoolStatus:
        try:
            facts, _ = self._exchange({"kind": "ping"}, _PING_SECONDS)
        except TimeoutError as problem:
            raise _Away from problem
        return PoolStatus(**facts)

    def _exchange(
        self, header: dict[str, Any], seconds: float, *, meanwhile: Callable[[], object] | None = None
    ) -> tuple[dict[str, Any], bytes]:
        end = time.monotonic() + seconds
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(seconds)
                connection.connect(self._path)
                connection.sendall(wire.pack(header))
                if meanwhile is not None:
                    _wait_for_answer(connection, end, meanwhile)
                answer, body = wire.receive(connection)
        except TimeoutError:
            raise
        except (OSError, wire.BrokenMessage) as problem:
            raise _Away from problem
        if "error" in answer:
            raise _refusal(answer)
        return answer, body


def _wait_for_answer(connection: socket.socket, end: float, meanwhile: Callable[[], object]) -> None:
    """Return when there is something to read, and its reader may take what time is left. Raises TimeoutError."""
    while (left := end - time.monotonic()) > 0:
        connection.settimeout(min(left, _SILENCE_SECONDS))
        with suppress(TimeoutError):
            connection.recv(1, socket.MSG_PEEK)
            connection.settimeout(max(0.001, end - time.monotonic()))
            return
        meanwhile()
    raise TimeoutError


def _refusal(answer: dict[str, Any]) -> MezzotintError:
    code, detail = str(answer["error"]), str(answer.get("detail", ""))
    if code == "renderer_died":
        return RendererDied("renderers", detail)
    if code == Unavailable.code:
        return Unavailable("renderers", detail)
    return _REFUSALS.get(code, InternalError)(detail, retry_after=answer.get("retry_after"))
