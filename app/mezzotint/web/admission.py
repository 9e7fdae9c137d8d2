"""Refusal before any work: what is more than this process can take on costs next to nothing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING

from werkzeug.wsgi import ClosingIterator

from mezzotint.model.errors import Overloaded
from mezzotint.web import headers
from mezzotint.web.errors import OVERLOADED, PROBLEM, problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

RETRY_AFTER = 1
"""Seconds; a queue of this length is gone by then."""

PAUSE = 0.2
"""Seconds that a tenant's deliveries are refused unseen once one found the queue full: no queue empties sooner."""

_DELIVERY = re.compile(r"/v1/(?:pub|priv)/([^/]*/[^/]*)/")


class Admission:
    """Lets at most `limit` deliveries into the application at once, and none of a tenant whose queue is full.

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
        if not self._admit(tenant):
            return _refuse(environ, start_response)
        try:
            answer = self._application(environ, start_response)
        except BaseException:
            self._leave()
            raise
        if OVERLOADED in environ:
            self._pause(tenant)
        return ClosingIterator(answer, [self._leave])

    def _admit(self, tenant: str) -> bool:
        with self._lock:
            if tenant in self._paused:
                if self._clock() < self._paused[tenant]:
                    return False
                del self._paused[tenant]
            admitted = self._in_flight < self._limit
            self._in_flight += admitted
            return admitted

    def _pause(self, tenant: str) -> None:
        with self._lock:
            now = self._clock()
            self._paused = {other: until for other, until in self._paused.items() if now < until}
            self._paused[tenant] = now + PAUSE

    def _leave(self) -> None:
        with self._lock:
            self._in_flight -= 1


def _refuse(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    refusal = Overloaded("more pictures are asked for than can be made", retry_after=RETRY_AFTER)
    body = json.dumps(problem(refusal, environ.get("HTTP_X_REQUEST_ID"))).encode()
    told = [
        *headers.DEFAULTS.items(),
        ("Content-Type", PROBLEM),
        ("Content-Length", str(len(body))),
        ("Retry-After", str(RETRY_AFTER)),
        ("X-Accel-Expires", "0"),
    ]
    start_response("503 Service Unavailable", told)
    return [body]
