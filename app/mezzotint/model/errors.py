"""What can go wrong, each with the stable code and HTTP status that a client sees (RFC 9457)."""

from __future__ import annotations

from typing import ClassVar


class MezzotintError(Exception):
    """Something a caller is told about: `detail` what, `field` where, `retry_after` (seconds) when to come back."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"
    at_fault: ClassVar[str | None] = None
    """the field, where it can be no other"""

    def __init__(self, detail: str = "", *, field: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.field = field or self.at_fault
        self.retry_after = retry_after


class InternalError(MezzotintError):
    """A defect of ours; the log has the rest."""


class BadRequest(MezzotintError):
    code, status, title = "bad_request", 400, "The request can't be read"


class InvalidPath(MezzotintError):
    code, status, title = "invalid_path", 400, "The path is not a delivery path"


class InvalidOperation(MezzotintError):
    code, status, title = "invalid_operation", 400, "The operations can't be understood"


class OutputTooLarge(MezzotintError):
    code, status, title = "output_too_large", 400, "The picture asked for is too large"
    at_fault = "operations"


class SignatureRequired(MezzotintError):
    code, status, title = "signature_required", 401, "This URL must be signed"


class SignatureInvalid(MezzotintError):
    code, status, title = "signature_invalid", 401, "The signature is not valid"


class SignatureExpired(MezzotintError):
    code, status, title = "signature_expired", 401, "The signature has expired"


class Unauthorized(MezzotintError):
    code, status, title = "unauthorized", 401, "A valid API key is needed"


class Forbidden(MezzotintError):
    code, status, title = "forbidden", 403, "The API key does not allow this"


class PolicyRefused(MezzotintError):
    code, status, title = "policy_refused", 403, "The policy does not allow this"


class NotFound(MezzotintError):
    code, status, title = "not_found", 404, "Not found"


class MethodNotAllowed(MezzotintError):
    code, status, title = "method_not_allowed", 405, "The method is not allowed here"


class Conflict(MezzotintError):
    code, status, title = "conflict", 409, "This conflicts with what is there"


class UploadTooLarge(MezzotintError):
    code, status, title = "upload_too_large", 413, "The upload is too large"


class PathTooLong(MezzotintError):
    code, status, title = "path_too_long", 414, "The path is too long"


class UnsupportedType(MezzotintError):
    code, status, title = "unsupported_type", 415, "This type of file is not supported"


class RangeNotSatisfiable(MezzotintError):
    code, status, title = "range_not_satisfiable", 416, "The range lies outside the picture"


class UnknownHost(MezzotintError):
    code, status, title = "unknown_host", 421, "This host is not served here"


class InvalidField(MezzotintError):
    code, status, title = "invalid_field", 422, "A field is not valid"


class PictureRefused(MezzotintError):
    code, status, title = "picture_refused", 422, "The picture can't be used"


class NotOffered(MezzotintError):
    code, status, title = "not_offered", 501, "This installation does not offer that"


class Overloaded(MezzotintError):
    """There is more to do than can be done. `full`: as much of this very tenant's waits as may."""

    code, status, title = "overloaded", 503, "Too much work is waiting"

    def __init__(self, detail: str = "", *, retry_after: int | None = None, full: bool = False) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.full = full


class Unavailable(MezzotintError):
    """A part that this needs is away; `part` names it: database, redis, store, renderers."""

    code, status, title = "unavailable", 503, "A part of the service is away"

    def __init__(self, part: str, detail: str = "", *, retry_after: int | None = 1) -> None:
        super().__init__(detail or f"the {part} does not answer", retry_after=retry_after)
        self.part = part


class RenderTimeout(MezzotintError):
    code, status, title = "render_timeout", 504, "The picture took too long to make"
