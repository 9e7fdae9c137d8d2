"""Refusal before any work: what is more than this process can take on costs next to nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING

from werkzeug.wsgi import ClosingIterator

from mezzotint.model.errors import Overloaded
from mezzotint.web import headers
from mezzotint.web.errors import PROBLEM, problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

RETRY_AFTER = 1
"""Seconds; a queue of this length is gone by then."""


class Admission:
    """Lets at most `limit` requests into the application at once."""

    def __init__(self, application: WSGIApplication, limit: int) -> None:
        self._application = application
        self._limit = limit
        self._in_flight = 0
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._enter():
            return _refuse(environ, start_response)
        try:
            answer = self._application(environ, start_response)
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
