"""The table of signing keys; secrets come and go sealed."""

from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from mezzotint.data import jobs
from mezzotint.data.postgres import Transaction
from mezzotint.model.errors import Conflict
from mezzotint.model.identifiers import new_id
from mezzotint.model.signing import KeyStatus, SigningKey


def insert(
    tx: Transaction, organization_id: UUID, tenant_id: UUID | None, kid: str, sealed_secret: bytes
) -> SigningKey:
    """A new active key. Raises Conflict when the kid is taken, by whomever: kids are random, so that tells nothing."""
    row = tx.row(
        """INSERT INTO signing_keys (organization_id, tenant_id, id, kid, sealed_secret)
        VALUES (%(organization)s, %(tenant)s, %(id)s, %(kid)s, %(secret)s)
        ON CONFLICT (kid) DO NOTHING RETURNING *""",
        organization=organization_id,
        tenant=tenant_id,
        id=new_id(),
        kid=kid,
        secret=sealed_secret,
    )
    if row is None:
        raise Conflict(f"the kid {kid} is taken", field="kid")
    return _published(tx, row)


def by_kid(tx: Transaction, kid: str) -> SigningKey | None:
    row = tx.row("SELECT * FROM signing_keys WHERE kid = %(kid)s", kid=kid)
    return _key(row) if row else None


def active(tx: Transaction, organization_id: UUID, tenant_id: UUID | None) -> SigningKey | None:
    """The key to sign with: the tenant's newest active one, else the organization's."""
    row = tx.row(
        """SELECT * FROM signing_keys WHERE organization_id = %(organization)s AND status = 'active'
        AND (tenant_id IS NULL OR tenant_id = %(tenant)s) ORDER BY tenant_id NULLS LAST, id DESC LIMIT 1""",
        organization=organization_id,
        tenant=tenant_id,
    )
    return _key(row) if row else None


def page(
    tx: Transaction,
    organization_id: UUID,
    tenant_id: UUID | None = None,
    *,
    after: UUID | None = None,
    limit: int = 100,
) -> list[SigningKey]:
    """The keys of exactly this tenant, or (None) those for all of the organization; oldest first, revoked ones too."""
    rows = tx.rows(
        """SELECT * FROM signing_keys WHERE organization_id = %(organization)s
        AND tenant_id IS NOT DISTINCT FROM %(tenant)s AND (%(after)s::uuid IS NULL OR id > %(after)s)
        ORDER BY id LIMIT %(limit)s""",
        organization=organization_id,
        tenant=tenant_id,
        after=after,
        limit=limit,
    )
    return [_key(row) for row in rows]


def retire(tx: Transaction, kid: str, until: datetime) -> bool:
    """An active key signs no more, and verifies until `until`."""
    row = tx.row(
        """UPDATE signing_keys SET status = 'grace', grace_until = %(until)s
        WHERE kid = %(kid)s AND status = 'active' RETURNING *""",
        kid=kid,
        until=until,
    )
    return row is not None and bool(_published(tx, row))


def revoke(tx: Transaction, kid: str) -> bool:
    """The key is worth nothing from now on; its row stays, so that edges can be told."""
    row = tx.row(
        "UPDATE signing_keys SET status = 'revoked' WHERE kid = %(kid)s AND status <> 'revoked' RETURNING *",
        kid=kid,
    )
    return row is not None and bool(_published(tx, row))


def _published(tx: Transaction, row: DictRow) -> SigningKey:
    key = _key(row)
    jobs.publish(tx, "key", key.kid, key.organization_id, key.tenant_id)
    return key


def _key(row: DictRow) -> SigningKey:
    return SigningKey(**row | {"status": KeyStatus(row["status"])})
