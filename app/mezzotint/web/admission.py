"""Refusal before any work: what is more than this process can take on costs next to nothing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import ClosingIterator

from mezzotint.model.errors import Overloaded
from mezzotint.web import headers
from mezzotint.web.errors import PAUSE, PROBLEM, problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

RETRY_AFTER = 1
"""Seconds; a queue of this length is gone by then."""

_DELIVERY = re.compile(r"/v1/(?:pub|priv)/([^/]*/[^/]*)/")


class Admission:
    """Lets at most `limit` deliveries into the application at once, and none of a tenant while an answer asked for a
    pause.

    The control plane and health checks always pass.
    """

    def __init__(
        self, application: WSGIApplication, limit: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._application = application
        self._limit = limit
        self._clock = clock
        self._in_flight = 0
        self._paused: dict[str, float] = {}
        """until when, by organization and tenant"""
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        delivery = _DELIVERY.match(environ.get("PATH_INFO", ""))
        if delivery is None:
            return self._application(environ, start_response)
        tenant = delivery[1]
        if (seconds := self._paused.get(tenant, 0.0) - self._clock()) > 0:
            return _refuse(environ, start_response, (PAUSE, f"{seconds:.3f}"))
        if not self._enter():
            return _refuse(environ, start_response)

        def start(status: str, said: list[tuple[str, str]], *failed: Any) -> Callable[[bytes], object]:
            if status.startswith("503") and (asked := dict(said).get(PAUSE)):
                self._pause(tenant, float(asked))
            return start_response(status, said, *failed)

        try:
            answer = self._application(environ, start)
        except BaseException:
            self._leave()
            raise
        return ClosingIterator(answer, [self._leave])

    def _enter(self) -> bool:
        with self._lock:
            admitted = self._in_flight < self._limit
            self._in_flight += admitted
            return admitted

    def _leave(self) -> None:
        with self._lock:
            self._in_flight -= 1

    def _pause(self, tenant: str, seconds: float) -> None:
        now = self._clock()
        still = {other: until for other, until in self._paused.items() if now < until}
        self._paused = still | {tenant: now + seconds}


def _refuse(environ: WSGIEnvironment, start_response: StartResponse, *said: tuple[str, str]) -> Iterable[bytes]:
    refusal = Overloaded("more pictures are asked for than can be made", retry_after=RETRY_AFTER)
    body = json.dumps(problem(refusal, environ.get("HTTP_X_REQUEST_ID"))).encode()
    told = [
        *headers.DEFAULTS.items(),
        ("Content-Type", PROBLEM),
        ("Content-Length", str(len(body))),
        ("Retry-After", str(RETRY_AFTER)),
        ("X-Accel-Expires", "0"),
        *said,
    ]
    start_response("503 Service Unavailable", told)
    return [body]
