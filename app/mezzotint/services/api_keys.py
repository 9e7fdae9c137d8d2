"""API keys: what opens the control plane. `mzk_{ULID}.{secret}`; only a hash of the secret is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from mezzotint.data import api_keys, organizations, tenants
from mezzotint.data.postgres import Database
from mezzotint.model.errors import Forbidden, InvalidField, NotFound, Unauthorized
from mezzotint.model.identifiers import from_ulid, new_id, to_ulid
from mezzotint.model.signing import ApiKey
from mezzotint.services.caller import SCOPES, Caller
from mezzotint.services.reach import find_level, reading
from mezzotint.services.recent import Recent
from mezzotint.services.record import record

PREFIX = "mzk_"
REMEMBERED = 2.0
"""Seconds that a key is believed without asking again: how long a revoked one may still open a door."""


LAST = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of the times that can be reckoned with in every zone."""


class ApiKeys:
    """Makes, lists, revokes and checks API keys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Recent[UUID, ApiKey] = Recent(4096, REMEMBERED)

    def authenticate(self, token: str, request_id: str | None = None) -> Caller:
        """Who holds `token`. Raises Unauthorized, with one message for all that may be wrong; Unavailable."""
        name, _, secret = token.removeprefix(PREFIX).partition(".")
        try:
            key_id = from_ulid(name)
        except ValueError:
            raise Unauthorized from None
        key = self._key(key_id)
        # Compared even when there is no such key, so that the answer takes as long.
        right = hmac.compare_digest(_hash(secret), key.secret_hash if key else bytes(32))
        if key is None or not right or not token.startswith(PREFIX):
            raise Unauthorized
        return self.holder(key_id, request_id)

    def holder(self, key_id: UUID, request_id: str | None = None) -> Caller:
        """Who a key stands for, for one who has proven to hold it. Raises Unauthorized unless it is valid now."""
        key = self._key(key_id)
        if key is None or not key.valid_at(datetime.now(UTC)):
            raise Unauthorized
        return Caller(to_ulid(key.id), key.organization_id, key.tenant_id, key.scopes, request_id)

    def create(
        self,
        caller: Caller,
        organization: str | None,
        tenant: str | None,
        name: str,
        scopes: Iterable[str],
        *,
        expires_at: datetime | None = None,
        for_operator: bool = False,
    ) -> tuple[ApiKey, str]:
        """A new key and its token, which can't be had again.

        It allows nothing that `caller` may not do. `for_operator`: it reaches every organization, as `caller` must.
        Raises Forbidden, NotFound, InvalidField.
        """
        wanted = frozenset(scopes)
        _check(name, wanted, expires_at)
        lacking = sorted(scope for scope in wanted if not caller.may(scope))
        if lacking:
            raise Forbidden(f"this API key can't give what it lacks: {', '.join(lacking)}")
        key_id, secret = new_id(), secrets.token_urlsafe(32)
        if for_operator:
            if not caller.is_operator:
                raise Forbidden("only an operator's key may do this")
            scope, transaction = None, self._database.operator()
        else:
            with reading(self._database, caller) as tx:
                scope = find_level(tx, caller, organization, tenant).scope
            transaction = self._database.scoped(scope)
        with transaction as tx:
            key = api_keys.insert(
                tx,
                scope.organization_id if scope else None,
                scope.tenant_id if scope else None,
                name,
                _hash(secret),
                wanted,
                expires_at=expires_at,
                id=key_id,
            )
            record(tx, caller, "api_key.create", to_ulid(key_id), scopes=sorted(wanted))
        return key, f"{PREFIX}{to_ulid(key_id)}.{secret}"

    def page(self, caller: Caller, *, after: UUID | None = None, limit: int = 100) -> list[ApiKey]:
        """Those in reach, oldest first; revoked ones too."""
        with reading(self._database, caller) as tx:
            return api_keys.page(tx, after=after, limit=limit)

    def revoke(self, caller: Caller, key_id: UUID) -> None:
        """Close it everywhere within seconds; doing it twice does no harm. Raises NotFound."""
        with reading(self._database, caller) as tx:
            key = api_keys.find(tx, key_id)
            if key is None:
                raise NotFound
            if api_keys.revoke(tx, key_id):
                record(tx, caller, "api_key.revoke", to_ulid(key_id), organization_id=key.organization_id)
        self._known.forget(key_id)

    def _key(self, key_id: UUID) -> ApiKey | None:
        key = self._known.get(key_id)
        if key is not None:
            return key
        with self._database.operator() as tx:
            key = api_keys.find(tx, key_id)
            if key is None:
                return None
            if key.organization_id is not None and organizations.get(tx, key.organization_id) is None:
                return None
            if key.tenant_id is not None and tenants.get(tx, key.tenant_id) is None:
                return None
            if key.valid_at(datetime.now(UTC)):
                api_keys.used(tx, key_id)
        self._known.put(key_id, key)
        return key


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _check(name: str, scopes: frozenset[str], expires_at: datetime | None) -> None:
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise InvalidField("1 to 200 printable characters", field="name")
    unknown = sorted(scopes - SCOPES.keys())
    if unknown or not scopes:
        raise InvalidField(f"some of {', '.join(SCOPES)}", field="scopes")
    if expires_at is not None and (expires_at.tzinfo is None or not datetime.now(UTC) < expires_at < LAST):
        raise InvalidField("a moment to come, with its time zone", field="expires_at")
