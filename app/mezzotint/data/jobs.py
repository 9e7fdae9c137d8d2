"""The table of jobs: an outbox, written with the change that asks for the work."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from mezzotint.data.postgres import Transaction
from mezzotint.model.identifiers import new_id
from mezzotint.model.job import Job, JobState
from mezzotint.model.tenancy import Owner

PUBLISH = "publish"

# Any number that nobody else uses for an advisory lock.
_PUBLICATION_LOCK = 6_149_372_802


def enqueue(
    tx: Transaction,
    kind: str,
    payload: Mapping[str, Any],
    *,
    organization_id: UUID | None = None,
    tenant_id: UUID | None = None,
    run_at: datetime | None = None,
) -> UUID:
    """Write a job down; it belongs to the transaction's scope unless the operator says whose it is."""
    identifier = new_id()
    tx.run(
        """INSERT INTO jobs (id, organization_id, tenant_id, kind, payload, run_at) VALUES
        (%(id)s, %(organization)s, %(tenant)s, %(kind)s, %(payload)s, coalesce(%(run_at)s, now()))""",
        id=identifier,
        organization=tx.scope.organization_id if tx.scope else organization_id,
        tenant=tx.scope.tenant_id if tx.scope else tenant_id,
        kind=kind,
        payload=Jsonb(dict(payload)),
        run_at=run_at,
    )
    return identifier


def publish(
    tx: Transaction,
    type_: Literal["key", "generation", "preset"],
    name: str,
    organization_id: UUID | None,
    tenant_id: UUID | None,
) -> None:
    """Have edges told of a key (by kid), a generation (by scope) or a preset (by id) once this commits."""
    enqueue(
        tx,
        PUBLISH,
        {"type": type_, "name": name},
        organization_id=organization_id,
        tenant_id=tenant_id,
    )


def publish_below(tx: Transaction, owner: Owner) -> None:
    """Have edges told of every space, preset and key of `owner` and below it."""
    enqueue(
        tx,
        PUBLISH,
        {
            "type": "below",
            "organization_id": str(owner.organization_id),
            "tenant_id": owner.tenant_id and str(owner.tenant_id),
            "space_id": owner.space_id and str(owner.space_id),
        },
        organization_id=owner.organization_id,
        tenant_id=owner.tenant_id,
    )


def hold_publication(tx: Transaction) -> None:
    """Wait until nobody else publishes, and keep it so until this transaction ends."""
    tx.row("SELECT pg_advisory_xact_lock(%(lock)s)", lock=_PUBLICATION_LOCK)


def claim(tx: Transaction, kind: str, *, limit: int = 100, lease: float = 60.0) -> list[Job]:
    """The oldest due jobs, now running. One that is neither finished nor failed within `lease` seconds is due again."""
    rows = tx.rows(
        """UPDATE jobs SET state = 'running', attempts = attempts + 1, run_at = now() + make_interval(secs => %(lease)s)
        WHERE id = ANY(ARRAY(
            SELECT id FROM jobs WHERE kind = %(kind)s AND state <> 'failed' AND run_at <= now()
            ORDER BY run_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )) RETURNING *""",
        kind=kind,
        lease=lease,
        limit=limit,
    )
    return sorted((_job(row) for row in rows), key=lambda job: job.id)


def finish(tx: Transaction, identifiers: Collection[UUID]) -> None:
    """Done jobs leave no row; the audit log says what was asked."""
    tx.run("DELETE FROM jobs WHERE id = ANY(%(ids)s)", ids=list(identifiers))


def fail(tx: Transaction, identifier: UUID, error: str, *, retry_in: float | None) -> None:
    """Try again after `retry_in` seconds, or (None) give up and keep the row to be seen."""
    tx.run(
        """UPDATE jobs SET error = %(error)s, state = %(state)s,
        run_at = now() + make_interval(secs => %(retry_in)s) WHERE id = %(id)s""",
        id=identifier,
        error=error,
        state=JobState.FAILED if retry_in is None else JobState.WAITING,
        retry_in=retry_in or 0.0,
    )


def _job(row: DictRow) -> Job:
    return Job(**row | {"state": JobState(row["state"])})
