"""One log line a request, with the identifier that the edge gave it, so that both ends tell the same story."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from mezzotint.services.api_keys import PREFIX

log = structlog.get_logger("request")
_API_KEY = re.compile(rf"({PREFIX}[^./]*\.)[^/]+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


def install(app: Flask) -> None:
    """Give every request of `app` an identifier and a log line."""
    app.before_request(_begin)
    app.after_request(_end)


def note(**facts: str | float) -> None:
    """Add facts to the log line of the request at hand."""
    g.facts = g.get("facts", {}) | facts


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    log.info(
        "request",
        method=request.method,
        path=_API_KEY.sub(r"\1…", request.path),  # one that was taken for an identifier
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 2),
        **({"code": g.problem} if "problem" in g else {}),
        **g.get("facts", {}),
    )
    return response
