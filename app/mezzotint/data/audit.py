"""The audit log: written in the transaction of what it tells about, and never changed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from mezzotint.data.postgres import Transaction
from mezzotint.model.audit import Entry


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
    """Write one line; it belongs to the transaction's scope unless the operator says whose it is."""
    tx.run(
        """INSERT INTO audit_log (organization_id, tenant_id, actor, action, subject, request_id, detail) VALUES
        (%(organization)s, %(tenant)s, %(actor)s, %(action)s, %(subject)s, %(request_id)s, %(detail)s)""",
        organization=tx.scope.organization_id if tx.scope else organization_id,
        tenant=tx.scope.tenant_id if tx.scope else tenant_id,
        actor=actor,
        action=action,
        subject=subject,
        request_id=request_id,
        detail=Jsonb(dict(detail or {})),
    )


def page(tx: Transaction, *, before: int | None = None, limit: int = 100) -> list[Entry]:
    """Every line that the transaction sees, newest first; `before` is the last sequence of the page before."""
    rows = tx.rows(
        """SELECT * FROM audit_log WHERE %(before)s::bigint IS NULL OR sequence < %(before)s
        ORDER BY sequence DESC LIMIT %(limit)s""",
        before=before,
        limit=limit,
    )
    return [Entry(**row) for row in rows]
