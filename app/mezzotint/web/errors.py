"""Errors as problem documents (RFC 9457): a stable code, the field at fault, and nothing of our insides."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from mezzotint.model.errors import (
    BadRequest,
    InternalError,
    MethodNotAllowed,
    MezzotintError,
    NotFound,
    Overloaded,
    RangeNotSatisfiable,
    Unauthorized,
    UploadTooLarge,
)

PROBLEM = "application/problem+json"
CHALLENGE = 'Bearer realm="mezzotint"'
OVERLOADED = "mezzotint.overloaded"
"""Stands in the environ of a request that was refused for want of room."""
NOT_FOUND_SECONDS = 2
"""How long an edge may answer a 404 again by itself; every other error is not kept at all."""

log = structlog.get_logger(__name__)


def problem(error: MezzotintError, request_id: str | None) -> dict[str, Any]:
    """The document that tells a client of `error`."""
    document = {
        "type": f"urn:mezzotint:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    return document | ({"field": error.field} if error.field else {})


def install(app: Flask) -> None:
    """Answer every error of `app` with a problem document."""
    app.register_error_handler(MezzotintError, _answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _defect)


def _answer(error: MezzotintError) -> Response:
    response = jsonify(problem(error, g.get("request_id")))
    response.status_code = error.status
    response.content_type = PROBLEM
    response.headers["X-Accel-Expires"] = str(NOT_FOUND_SECONDS if isinstance(error, NotFound) else 0)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, Overloaded):
        request.environ[OVERLOADED] = True
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.__cause__ is not None and error.status >= 500:
        log.warning("unavailable", code=error.code, problem=repr(error.__cause__))  # not for clients: it names places
    g.problem = error.code
    return response


def _http(error: HTTPException) -> Response:
    """Werkzeug's own errors (no such route, wrong method, unreadable body) in our words."""
    if error.code == 404:
        return _answer(NotFound())
    if error.code in (405, 416):
        response = _answer(MethodNotAllowed() if error.code == 405 else RangeNotSatisfiable())
        response.headers.extend(header for header in error.get_headers() if header[0] in ("Allow", "Content-Range"))
        return response
    if isinstance(error, RequestEntityTooLarge):
        return _answer(UploadTooLarge(error.description or ""))
    if error.code is not None and error.code < 500:
        return _answer(BadRequest(error.description or ""))
    return _defect(error)


def _defect(error: Exception) -> Response:
    log.error("defect", exc_info=error)
    return _answer(InternalError())
