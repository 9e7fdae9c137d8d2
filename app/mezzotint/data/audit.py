"""The audit log: written in the transaction of what it tells about, and never changed.

Each line is sealed with a key that the database never sees, together with the line before it of the same tenant, of
the organization where it is no tenant's, or of the operator.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from mezzotint.data.postgres import Transaction
from mezzotint.model.audit import OPERATOR, Entry

_LINE = "sequence, at, organization_id, tenant_id, actor, action, subject, request_id, detail, number, mac"


def append(
    tx: Transaction,
    *,
    actor: str,
    action: str,
    subject: str,
    request_id: str | None = None,
    detail: Mapping[str, Any] | None = None,
    organization_id: UUID | None = None,
    tenant_id: UUID | None = None,
) -> None:
    """Write one line; it belongs to the transaction's scope unless the operator says whose it is.

    From here to the transaction's end nobody else writes to the same chain: let it be among the last things done.
    """
    organization_id = tx.scope.organization_id if tx.scope else organization_id
    tenant_id = tx.scope.tenant_id if tx.scope else tenant_id
    chain = tenant_id or organization_id or OPERATOR
    # In a statement of its own: the next one then sees what the writer before has committed.
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(chain)s, 0))", chain=f"audit {chain}")
    last = tx.one(
        """SELECT now() AS at, %(detail)s AS detail, coalesce(number, 0) AS number, coalesce(mac, '') AS mac
        FROM (SELECT 1) AS always LEFT JOIN (SELECT number, mac FROM audit_log
            WHERE chain = %(chain)s AND number IS NOT NULL ORDER BY number DESC LIMIT 1) AS last ON true""",
        chain=chain,
        detail=Jsonb(dict(detail or {})),
    )
    line = Entry(
        sequence=0,  # given by the table
        at=last["at"],
        organization_id=organization_id,
        tenant_id=tenant_id,
        actor=actor,
        action=action,
        subject=subject,
        request_id=request_id,
        detail=last["detail"],  # as it will be read
        number=last["number"] + 1,
    )
    tx.run(
        """INSERT INTO audit_log
        (at, organization_id, tenant_id, actor, action, subject, request_id, detail, number, mac) VALUES
        (%(at)s, %(organization)s, %(tenant)s, %(actor)s, %(action)s, %(subject)s, %(request_id)s, %(detail)s,
        %(number)s, %(mac)s)""",
        at=line.at,
        organization=organization_id,
        tenant=tenant_id,
        actor=actor,
        action=action,
        subject=subject,
        request_id=request_id,
        detail=Jsonb(line.detail),
        number=line.number,
        mac=line.seal(tx.audit_key, last["mac"]),
    )


def page(tx: Transaction, *, before: int | None = None, limit: int = 100) -> list[Entry]:
    """Every line that the transaction sees, newest first; `before` is the last sequence of the page before."""
    rows = tx.rows(
        f"""SELECT {_LINE} FROM audit_log WHERE %(before)s::bigint IS NULL OR sequence < %(before)s
        ORDER BY sequence DESC LIMIT %(limit)s""",
        before=before,
        limit=limit,
    )
    return [Entry(**row) for row in rows]


def chains(tx: Transaction, *, batch: int = 1000) -> Iterator[Entry]:
    """Every line that is a link of a chain, chain by chain and in order."""
    chain, number = OPERATOR, 0
    while True:
        rows = tx.rows(
            f"""SELECT {_LINE} FROM audit_log WHERE number IS NOT NULL AND (chain, number) > (%(chain)s, %(number)s)
            ORDER BY chain, number LIMIT %(batch)s""",
            chain=chain,
            number=number,
            batch=batch,
        )
        lines = [Entry(**row) for row in rows]
        yield from lines
        if len(lines) < batch:
            return
        chain, number = lines[-1].chain, lines[-1].number or 0


def unchained(tx: Transaction) -> tuple[int, int]:
    """How many lines are older than the chains, and how many only seem so: the first link was there before them."""
    row = tx.one(
        """SELECT count(*) FILTER (WHERE NOT late) AS older, count(*) FILTER (WHERE late) AS late FROM (
            SELECT sequence > (SELECT min(sequence) FROM audit_log WHERE number IS NOT NULL) IS TRUE AS late
            FROM audit_log WHERE number IS NULL) AS lines"""
    )
    return row["older"], row["late"]
