"""API keys and access tokens at the door: who calls, and whether that is allowed."""

from __future__ import annotations

from flask import g, request

from mezzotint.model.errors import Unauthorized
from mezzotint.services.api_keys import PREFIX
from mezzotint.services.caller import Caller
from mezzotint.web.house import house


def authenticate() -> Caller:
    """Who calls, by an API key or an access token. Raises Unauthorized."""
    given, request_id = _token(), g.get("request_id")
    if given.startswith(PREFIX):
        return house().api_keys.authenticate(given, request_id)
    return house().tokens.read(given, request_id)


def authorize(scope: str) -> Caller:
    """As `authenticate`. Raises Forbidden too, without `scope`."""
    caller = authenticate()
    caller.need(scope)
    return caller


def _token() -> str:
    given = request.headers.get("X-API-Key")
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if given is None and kind.lower() == "bearer":
        given = bearer.strip()
    if not given:
        raise Unauthorized("send an API key in X-API-Key, or in Authorization as Bearer")
    return given
