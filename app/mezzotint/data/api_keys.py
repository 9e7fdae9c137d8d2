"""The table of API keys."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from mezzotint.data.postgres import Transaction
from mezzotint.model.identifiers import new_id
from mezzotint.model.signing import ApiKey


def insert(
    tx: Transaction,
    organization_id: UUID | None,
    tenant_id: UUID | None,
    name: str,
    secret_hash: bytes,
    scopes: Collection[str],
    *,
    expires_at: datetime | None = None,
    id: UUID | None = None,
) -> ApiKey:
    """A new key; without an organization it is the operator's, and only the operator may insert it."""
    row = tx.one(
        """INSERT INTO api_keys (id, organization_id, tenant_id, name, secret_hash, scopes, expires_at) VALUES
        (%(id)s, %(organization)s, %(tenant)s, %(name)s, %(hash)s, %(scopes)s, %(expires_at)s) RETURNING *""",
        id=id or new_id(),
        organization=organization_id,
        tenant=tenant_id,
        name=name,
        hash=secret_hash,
        scopes=sorted(scopes),
        expires_at=expires_at,
    )
    return _key(row)


def find(tx: Transaction, key_id: UUID) -> ApiKey | None:
    """The key, expired or revoked though it may be: ask `valid_at`. Authentication asks as the operator."""
    row = tx.row("SELECT * FROM api_keys WHERE id = %(id)s", id=key_id)
    return _key(row) if row else None


def page(tx: Transaction, *, after: UUID | None = None, limit: int = 100) -> list[ApiKey]:
    """Every key that the transaction sees, oldest first; `after` is the last id of the page before."""
    rows = tx.rows(
        "SELECT * FROM api_keys WHERE %(after)s::uuid IS NULL OR id > %(after)s ORDER BY id LIMIT %(limit)s",
        after=after,
        limit=limit,
    )
    return [_key(row) for row in rows]


def revoke(tx: Transaction, key_id: UUID) -> bool:
    return bool(tx.run("UPDATE api_keys SET revoked_at = now() WHERE id = %(id)s AND revoked_at IS NULL", id=key_id))


def used(tx: Transaction, key_id: UUID) -> None:
    """Note the use, to the minute: a busy key must not become a busy row."""
    tx.run(
        """UPDATE api_keys SET last_used_at = now() WHERE id = %(id)s
        AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')""",
        id=key_id,
    )


def _key(row: DictRow) -> ApiKey:
    return ApiKey(**row | {"scopes": frozenset(row["scopes"]), "secret_hash": bytes(row["secret_hash"])})
