"""The table of usage: counters by space, day (UTC) and metric."""

from datetime import date
from uuid import UUID

from mezzotint.data.postgres import Transaction


def add(tx: Transaction, space_id: UUID, metric: str, amount: int) -> None:
    """Add to today's counter."""
    tx.run(
        """INSERT INTO usage (organization_id, tenant_id, space_id, day, metric, amount) VALUES
        (%(organization)s, %(tenant)s, %(space)s, (now() AT TIME ZONE 'UTC')::date, %(metric)s, %(amount)s)
        ON CONFLICT (tenant_id, space_id, day, metric) DO UPDATE SET amount = usage.amount + excluded.amount""",
        organization=tx.organization_id,
        tenant=tx.tenant_id,
        space=space_id,
        metric=metric,
        amount=amount,
    )


def totals(tx: Transaction, *, since: date, until: date, space_id: UUID | None = None) -> dict[str, int]:
    """The sum of each metric over the days from `since` to `until`, both included; None: over all spaces."""
    rows = tx.rows(
        """SELECT metric, sum(amount)::bigint AS amount FROM usage WHERE tenant_id = %(tenant)s
        AND day BETWEEN %(since)s AND %(until)s AND (%(space)s::uuid IS NULL OR space_id = %(space)s)
        GROUP BY metric""",
        tenant=tx.tenant_id,
        since=since,
        until=until,
        space=space_id,
    )
    return {row["metric"]: row["amount"] for row in rows}
