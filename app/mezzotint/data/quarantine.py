"""The table of pictures that broke renderers. A tenant's strikes are its own: nobody else's pictures suffer by them."""

from uuid import UUID

from mezzotint.data.postgres import Transaction
from mezzotint.model.quarantine import STRIKES, Quarantined

_FORGOTTEN_HOURS = 24
"""after a strike that had no second one"""


def holds(tx: Transaction, tenant_id: UUID, content_hash: str) -> bool:
    """Whether these bytes are in the tenant's quarantine."""
    row = tx.row(
        """SELECT 1 FROM quarantine
        WHERE tenant_id = %(tenant)s AND content_hash = %(hash)s AND strikes >= %(most)s""",
        tenant=tenant_id,
        hash=content_hash,
        most=STRIKES,
    )
    return row is not None


def strike(tx: Transaction, tenant_id: UUID, content_hash: str, reason: str) -> Quarantined | None:
    """Count one more renderer broken by these bytes; None when the tenant is gone."""
    row = tx.row(
        """INSERT INTO quarantine (organization_id, tenant_id, content_hash, strikes, reason)
        SELECT organization_id, id, %(hash)s, 1, %(reason)s FROM tenants WHERE id = %(tenant)s
        ON CONFLICT (tenant_id, content_hash) DO UPDATE SET
            strikes = CASE WHEN quarantine.strikes >= %(most)s
                OR quarantine.struck_at > now() - make_interval(hours => %(hours)s)
                THEN quarantine.strikes + 1 ELSE 1 END,
            reason = excluded.reason, struck_at = now()
        RETURNING *""",
        tenant=tenant_id,
        hash=content_hash,
        reason=reason,
        most=STRIKES,
        hours=_FORGOTTEN_HOURS,
    )
    return Quarantined(**row) if row else None


def all_of(tx: Transaction) -> list[Quarantined]:
    """Everything in quarantine, the newest first."""
    rows = tx.rows(
        "SELECT * FROM quarantine WHERE strikes >= %(most)s ORDER BY struck_at DESC, tenant_id, content_hash",
        most=STRIKES,
    )
    return [Quarantined(**row) for row in rows]


def release(tx: Transaction, content_hash: str) -> list[Quarantined]:
    """Let go of these bytes wherever they are held, and tell where that was."""
    rows = tx.rows("DELETE FROM quarantine WHERE content_hash = %(hash)s RETURNING *", hash=content_hash)
    return [Quarantined(**row) for row in rows]
