"""Errors as problem documents (RFC 9457): a stable code, the field at fault, and nothing of our insides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

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

if TYPE_CHECKING:
    from mezzotint.web.request_log import Line

PROBLEM = "application/problem+json"
CHALLENGE = 'Bearer realm="mezzotint"'
FULL = "X-Mezzotint-Full"
"""The header by which edges hear that as many of this tenant's pictures wait as may: from then on they let one in for
each that comes out.
"""
NOT_FOUND_SECONDS = 2
"""How long an edge may answer a 404 again by itself; every other error is not kept at all."""

_OURS: dict[int, type[MezzotintError]] = {404: NotFound, 405: MethodNotAllowed, 416: RangeNotSatisfiable}

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
    app.register_error_handler(Exception, lambda error: respond(error, g.line))


def respond(error: Exception, line: Line) -> Response:
    """The answer that tells of `error`, whatever it is; `line` says its code too."""
    ours = _ours(error)
    response = Response(json.dumps(problem(ours, line.request_id)), ours.status, content_type=PROBLEM)
    response.headers["X-Accel-Expires"] = str(NOT_FOUND_SECONDS if isinstance(ours, NotFound) else 0)
    if isinstance(ours, Unauthorized):
        response.headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(ours, Overloaded) and ours.full:
        response.headers[FULL] = "1"
    if ours.retry_after is not None:
        response.headers["Retry-After"] = str(ours.retry_after)
    if isinstance(error, HTTPException):
        response.headers.extend(header for header in error.get_headers() if header[0] in ("Allow", "Content-Range"))
    if ours.__cause__ is not None and ours.status >= 500:
        log.warning("unavailable", code=ours.code, problem=repr(ours.__cause__))  # not for clients: it names places
    line.facts["code"] = ours.code
    return response


def _ours(error: Exception) -> MezzotintError:
    """Werkzeug's own errors (no such route, wrong method, unreadable body) and defects in our words."""
    if isinstance(error, MezzotintError):
        return error
    if not isinstance(error, HTTPException) or error.code is None or error.code >= 500:
        log.error("defect", exc_info=error)
        return InternalError()
    if error.code in _OURS:
        return _OURS[error.code]()
    return (UploadTooLarge if error.code == 413 else BadRequest)(error.description or "")
