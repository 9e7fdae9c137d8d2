"""One log line a request, with the identifier that the edge gave it, so that both ends tell the same story."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request
from werkzeug.wrappers import Request

from mezzotint.services.api_keys import PREFIX

log = structlog.get_logger("request")
_API_KEY = re.compile(rf"({PREFIX}[^./]*\.)[^/]+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


class Line:
    """What the log will say of a request that begins now; `facts` are added to it."""

    def __init__(self, request: Request) -> None:
        given = request.headers.get("X-Request-Id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        self.facts: dict[str, str | float] = {}
        self._request = request
        self._started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=self.request_id)

    @property
    def ms(self) -> float:
        """Milliseconds so far."""
        return (time.perf_counter() - self._started) * 1000

    def end(self, response: Response) -> Response:
        """The response, named as the line that is written."""
        response.headers["X-Request-Id"] = self.request_id
        log.info(
            "request",
            method=self._request.method,
            path=_API_KEY.sub(r"\1…", self._request.path),  # one that was taken for an identifier
            status=response.status_code,
            ms=round(self.ms, 2),
            **self.facts,
        )
        return response


def install(app: Flask) -> None:
    """Give every request of `app` an identifier and a log line, `g.line`."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.line = Line(request)


def _end(response: Response) -> Response:
    line: Line = g.line
    return line.end(response)
