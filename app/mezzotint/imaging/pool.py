"""Speaks with a pool of renderers over its socket. Plain sockets, so it is at home under gevent; it never waits without
an end.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from mezzotint.breaker import Breaker, State
from mezzotint.imaging import wire
from mezzotint.imaging.jobs import PoolStatus
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

_SLACK = 2.0
"""seconds past a job's deadline after which nobody will answer any more"""
_PING_SECONDS = 2.0
_SILENCE_SECONDS = 1.0
"""without any answer, after which whoever waits for one asks for a sign of life: the pool may be busy, or hang"""
_FULL_SECONDS = 0.1
"""that a tenant's line is taken for full once it was: some places come to be meanwhile, and the line is never empty"""


class _Away(Exception):
    """Nobody answers behind the socket."""


class _Cut(_Away):
    """An answer broke off."""


class RendererDied(Unavailable):
    """Somebody killed the renderer at work on this very job: perhaps for the memory that the picture took."""


class RendererCrashed(PictureRefused):
    """The renderer broke down over this very picture."""


class RendererStopped(RenderTimeout):
    """The renderer had to be stopped at work on this very picture."""


BREAKDOWNS = (RendererDied, RendererCrashed, RendererStopped)

_REFUSALS: dict[str, type[MezzotintError]] = {
    kind.code: kind for kind in (InvalidOperation, OutputTooLarge, PictureRefused, UnsupportedType)
} | {"renderer_crashed": RendererCrashed, "render_timeout": RendererStopped}


class Pool:
    """The pool called `name` behind the socket at `path`. Safe to use from many threads or greenlets.

    While `breaker` is open, every method raises Unavailable at once.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = str(path)
        self._name = name
        self.breaker = Breaker(name, trouble=_Away, refusal=_Away)
        self._heard = -math.inf
        """when it last answered anybody"""
        self._full: dict[str, float] = {}
        """until when each tenant's line is taken for full"""

    def ping(self) -> PoolStatus:
        """How the pool is doing, answered at once by its master. Raises Unavailable."""
        with self._reaching():
            return self._ping()

    def check_room(self, tenant: str) -> None:
        """Raise Overloaded where as many pictures of this tenant wait as may, or did a moment ago: it saves asking."""
        if time.monotonic() < self._full.get(tenant, 0.0):
            raise Overloaded("too many pictures are waiting to be made", retry_after=1, full=True)

    def ask(
        self, kind: str, facts: dict[str, Any], deadline: float, files: Sequence[BinaryIO]
    ) -> tuple[dict[str, Any], bytes]:
        """The answer to a job of this kind, its facts and bytes, within `deadline` seconds. One connection a job.

        `files` go with it: whatever is read or written. A `deadline` among the facts is the whole request's, part of
        which may have gone by. Raises what the job's refusal says, Overloaded, RenderTimeout, Unavailable, and one of
        BREAKDOWNS.
        """
        if deadline <= 0:
            raise Overloaded("no time was left when the picture's turn came")
        if self.breaker.state is not State.CLOSED:
            self.ping()  # whether it is there is soon said; until a job is done nobody else would be let in
        # The clock that counts since the machine's start is the same in every process.
        header = {"deadline": deadline} | facts | {"kind": kind, "expires": time.monotonic() + deadline}
        with self._reaching():
            try:
                return self._exchange(header, deadline + _SLACK, files, meanwhile=self._look_alive)
            except TimeoutError as problem:
                raise RenderTimeout from problem
            except Overloaded as problem:
                if problem.full and not facts.get("background"):  # which have a line of their own
                    self._heed_full(facts["tenant"])
                raise
            except _Cut as problem:
                self._ping()  # or the whole pool is gone
                raise Unavailable(self._name, "the answer broke off") from problem

    def _heed_full(self, tenant: str) -> None:
        now = time.monotonic()
        self._full = {other: until for other, until in self._full.items() if until > now}
        self._full[tenant] = now + _FULL_SECONDS

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            with self.breaker.guard():
                yield
        except _Away as problem:
            raise Unavailable(self._name) from problem

    def _look_alive(self) -> None:
        """Of many who wait only the one asks who hears of nobody's answer."""
        if time.monotonic() - self._heard >= _SILENCE_SECONDS:
            self._ping()

    def _ping(self) -> PoolStatus:
        try:
            facts, _ = self._exchange({"kind": "ping"}, _PING_SECONDS)
        except TimeoutError as problem:
            raise _Away from problem
        return PoolStatus(**facts)

    def _exchange(
        self, header: dict[str, Any], seconds: float, files: Sequence[BinaryIO] = (),
        *, meanwhile: Callable[[], object] | None = None,
    ) -> tuple[dict[str, Any], bytes]:  # fmt: skip
        end = time.monotonic() + seconds
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(seconds)
                connection.connect(self._path)
                wire.send(connection, header, [file.fileno() for file in files])
                if meanwhile is not None:
                    _wait_for_answer(connection, end, meanwhile)
                answer, body = wire.receive(connection)
                self._heard = time.monotonic()
        except TimeoutError:
            raise
        except wire.BrokenMessage as problem:
            raise _Cut from problem
        except OSError as problem:
            raise _Away from problem
        if "error" in answer:
            raise self._refusal(answer)
        return answer, body

    def _refusal(self, answer: dict[str, Any]) -> MezzotintError:
        code, detail = str(answer["error"]), str(answer.get("detail", ""))
        if code == "renderer_died":
            return RendererDied(self._name, detail)
        if code == Unavailable.code:
            return Unavailable(self._name, detail)
        if code == Overloaded.code:
            return Overloaded(detail, retry_after=answer.get("retry_after"), full=bool(answer.get("full")))
        return _REFUSALS.get(code, InternalError)(detail, retry_after=answer.get("retry_after"))


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
