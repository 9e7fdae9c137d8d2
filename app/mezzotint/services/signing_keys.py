"""Signing keys: made, listed, rotated with grace, revoked. Every edge follows within a second."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from mezzotint.data import policies, seal, signing_keys
from mezzotint.data.postgres import Database, Transaction
from mezzotint.model.errors import Conflict, InvalidField, NotFound
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.model.signing import KeyStatus, SigningKey
from mezzotint.model.tenancy import Owner
from mezzotint.services.caller import Caller
from mezzotint.services.publish import Publisher
from mezzotint.services.reach import Level, find_level, level_of, reading
from mezzotint.services.record import record

SECRET_BYTES = 32
MAX_GRACE = 366 * 86_400
PAGE = 500


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did, or would do, to one key.

    `grace_until` is when the old key ends. `new` is its successor; None on a dry run. `secret` is the successor's,
    in hex, when this very call made it. `rotated` is False for a key that was left alone, being in grace already:
    then `new` is the key that signs in its place now, if there is one.
    """

    level: Level
    old: SigningKey
    grace_until: datetime
    rotated: bool
    new: SigningKey | None = None
    secret: str | None = None


class SigningKeys:
    """The keys that sign delivery URLs. Secrets are sealed before they are kept."""

    def __init__(self, database: Database, publisher: Publisher, seal_key: bytes) -> None:
        self._database = database
        self._publisher = publisher
        self._seal_key = seal_key

    def create(self, caller: Caller, organization: str | None, tenant: str | None) -> tuple[Level, SigningKey, str]:
        """A new active key of a tenant, or of the whole organization, and its secret in hex, not to be had again.

        Raises NotFound.
        """
        with reading(self._database, caller) as tx:
            level = find_level(tx, caller, organization, tenant)
        with self._database.scoped(level.scope) as tx:
            key, secret = self._insert(tx, level)
            record(tx, caller, "signing_key.create", key.kid)
        self._publisher.drain()
        return level, key, secret

    def page(
        self,
        caller: Caller,
        organization: str | None,
        tenant: str | None,
        *,
        after: UUID | None = None,
        limit: int = 100,
    ) -> tuple[Level, list[SigningKey]]:
        """Those of exactly this tenant, or of an organization as a whole; oldest first. Raises NotFound."""
        with reading(self._database, caller) as tx:
            level = find_level(tx, caller, organization, tenant)
            return level, signing_keys.page(tx, level.organization.id, level.scope.tenant_id, after=after, limit=limit)

    def rotate(self, caller: Caller, kid: str, *, grace: int | None = None, dry_run: bool = False) -> Rotation:
        """Put a successor in the place of the active key `kid`, which goes on verifying for `grace` seconds.

        `grace` None: the longest lifetime that the old key may have signed. A key already in grace is left alone,
        so asking twice does no harm. Raises NotFound, Conflict for a revoked key, InvalidField.
        """
        level, key = self._owned(caller, kid)
        if key.status is KeyStatus.REVOKED:
            raise Conflict(f"{kid} is revoked; create a new key instead", field="kid")
        with self._database.scoped(level.scope) as tx:
            rotation = self._rotate(tx, caller, level, key, grace, dry_run=dry_run)
        self._publisher.drain()
        return rotation

    def rotate_all(
        self,
        caller: Caller,
        organization: str | None,
        tenant: str | None,
        *,
        grace: int | None = None,
        dry_run: bool = False,
    ) -> list[Rotation]:
        """Rotate the active keys of exactly this tenant, or of an organization as a whole: all of them or none.

        While one of them is in grace a rotation is under way, and they are left alone: asking twice does no harm.
        Raises NotFound, InvalidField.
        """
        with reading(self._database, caller) as tx:
            level = find_level(tx, caller, organization, tenant)
        with self._database.scoped(level.scope) as tx:
            due = _due(list(_all(tx, level)), datetime.now(UTC))
            rotations = [self._rotate(tx, caller, level, key, grace, dry_run=dry_run) for key in due]
        self._publisher.drain()
        return rotations

    def revoke(self, caller: Caller, kid: str) -> tuple[Level, SigningKey]:
        """End a key now: all that it signed is refused. Doing it twice does no harm. Raises NotFound."""
        level, _ = self._owned(caller, kid)
        with self._database.scoped(level.scope) as tx:
            if signing_keys.revoke(tx, kid):
                record(tx, caller, "signing_key.revoke", kid)
            key = signing_keys.by_kid(tx, kid)
        if key is None:
            raise NotFound
        self._publisher.drain()
        return level, key

    def _rotate(
        self, tx: Transaction, caller: Caller, level: Level, key: SigningKey, grace: int | None, *, dry_run: bool
    ) -> Rotation:
        if grace is None:
            grace = policies.resolved(tx, level.owner).max_lifetime or 0
        if not 0 <= grace <= MAX_GRACE:
            raise InvalidField(f"from 0 to {MAX_GRACE:,} seconds", field="grace")
        until = datetime.now(UTC) + timedelta(seconds=grace)
        if dry_run and key.status is KeyStatus.ACTIVE:
            return Rotation(level, key, until, rotated=True)
        # The update waits for a rotation under way elsewhere and then finds nothing active: one successor, not two.
        if not dry_run and signing_keys.retire(tx, key.kid, until):
            new, secret = self._insert(tx, level)
            record(tx, caller, "signing_key.rotate", key.kid, successor=new.kid, grace_until=until.isoformat())
            return Rotation(level, key, until, rotated=True, new=new, secret=secret)
        retired = signing_keys.by_kid(tx, key.kid) or key
        new_one = signing_keys.active(tx, level.organization.id, level.scope.tenant_id)
        return Rotation(level, retired, retired.grace_until or until, rotated=False, new=new_one)

    def _insert(self, tx: Transaction, level: Level) -> tuple[SigningKey, str]:
        kid, secret = to_ulid(new_id()), secrets.token_bytes(SECRET_BYTES)
        sealed = seal.seal(self._seal_key, kid, secret)
        return signing_keys.insert(tx, level.organization.id, level.scope.tenant_id, kid, sealed), secret.hex()

    def _owned(self, caller: Caller, kid: str) -> tuple[Level, SigningKey]:
        """A key that `caller` may change: a tenant's key sees its organization's, and changes none."""
        with reading(self._database, caller) as tx:
            key = signing_keys.by_kid(tx, kid)
            if key is None or caller.tenant_id not in {None, key.tenant_id}:
                raise NotFound
            return level_of(tx, Owner(key.organization_id, key.tenant_id)), key


def _all(tx: Transaction, level: Level) -> Iterator[SigningKey]:
    after = None
    while page := signing_keys.page(tx, level.organization.id, level.scope.tenant_id, after=after, limit=PAGE):
        yield from page
        after = page[-1].id


def _due(keys: Sequence[SigningKey], now: datetime) -> list[SigningKey]:
    """What to rotate: the keys in grace, to report them, or else the active ones."""
    in_grace = [key for key in keys if key.status is KeyStatus.GRACE and key.grace_until and now < key.grace_until]
    return in_grace or [key for key in keys if key.status is KeyStatus.ACTIVE]
