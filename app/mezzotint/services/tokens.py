"""Access tokens: what an API key's holder may hand on, to a browser say, for a while and for less than the key allows.

JSON Web Tokens, signed with a key of our own that never leaves the control plane; one algorithm, every claim required.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import jwt

from mezzotint.model.errors import Forbidden, InvalidField, Unauthorized
from mezzotint.model.identifiers import from_ulid
from mezzotint.services.api_keys import ApiKeys
from mezzotint.services.caller import SCOPES, Caller

ALGORITHM = "HS256"
AUDIENCE = "mezzotint"
MAX_SECONDS = 3600
GRANTABLE = SCOPES.keys() - {"tokens", "keys:write"}
"""A token makes neither tokens nor keys: in them it would outlive itself and its API key."""
_CLAIMS = ["sub", "aud", "iat", "exp", "scopes"]


class Tokens:
    """Issues and reads access tokens, signed with `key`."""

    def __init__(self, api_keys: ApiKeys, key: bytes) -> None:
        self._api_keys = api_keys
        self._key = key

    def issue(self, caller: Caller, scopes: Iterable[str], seconds: int) -> tuple[str, int]:
        """A token of `caller` for `scopes`, and its end in Unix seconds.

        Raises Forbidden for a scope that `caller` lacks, InvalidField for an unknown one or a lifetime out of range.
        """
        wanted = sorted(set(scopes))
        if not wanted or not set(wanted) <= GRANTABLE:
            raise InvalidField(f"some of {', '.join(sorted(GRANTABLE))}", field="scopes")
        if not 1 <= seconds <= MAX_SECONDS:
            raise InvalidField(f"from 1 to {MAX_SECONDS} seconds", field="lifetime")
        if lacking := [scope for scope in wanted if not caller.may(scope)]:
            raise Forbidden(f"this API key can't give what it lacks: {', '.join(lacking)}")
        now = int(time.time())
        claims = {"sub": caller.actor, "aud": AUDIENCE, "iat": now, "exp": now + seconds, "scopes": wanted}
        return jwt.encode(claims, self._key, ALGORITHM), now + seconds

    def read(self, token: str, request_id: str | None = None) -> Caller:
        """Who holds `token`: its API key's reach, with the token's scopes alone.

        Raises Unauthorized, with one message for all that may be wrong, a revoked API key behind it included.
        """
        try:
            claims = jwt.decode(
                token, self._key, algorithms=[ALGORITHM], audience=AUDIENCE, options={"require": _CLAIMS}
            )
            key_id, scopes = from_ulid(claims["sub"]), frozenset(map(str, claims["scopes"]))
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Unauthorized from None
        holder = self._api_keys.holder(key_id, request_id)
        if not all(holder.may(scope) for scope in scopes):
            raise Unauthorized
        return Caller(holder.actor, holder.organization_id, holder.tenant_id, scopes, request_id)
