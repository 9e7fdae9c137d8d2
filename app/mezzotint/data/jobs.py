"""The table of jobs: an outbox, written with the change that asks for the work."""

from collections.abc import Collection, Mapping
from typing import Any, Literal
from uuid import UUID, uuid5

from psycopg.errors import QueryCanceled
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from mezzotint.data.postgres import Transaction
from mezzotint.model.errors import Unavailable
from mezzotint.model.identifiers import new_id
from mezzotint.model.job import Job, JobState
from mezzotint.model.tenancy import Owner

PUBLISH = "publish"

# What the identifiers of jobs with a name are made from: any that stays the same.
_NAMES = UUID("6f0e5d0c-4f1b-4b43-9d38-6d0d3c0a9b57")

# Any number that nobody else uses for an advisory lock.
_PUBLICATION_LOCK = 6_149_372_802


def enqueue(
    tx: Transaction,
    kind: str,
    payload: Mapping[str, Any],
    *,
    organization_id: UUID | None = None,
    tenant_id: UUID | None = None,
    delay: float = 0.0,
    once: str | None = None,
) -> UUID:
    """Write a job down, due in `delay` seconds; of the transaction's scope unless the operator says whose it is.

    `once` names what it is about: while there is a job of this kind and name, another one is not written.
    """
    identifier = new_id() if once is None else uuid5(_NAMES, f"{kind}/{once}")
    tx.run(
        """INSERT INTO jobs (id, organization_id, tenant_id, kind, payload, run_at) VALUES
        (%(id)s, %(organization)s, %(tenant)s, %(kind)s, %(payload)s, now() + make_interval(secs => %(delay)s))
        ON CONFLICT DO NOTHING""",
        id=identifier,
        organization=tx.scope.organization_id if tx.scope else organization_id,
        tenant=tx.scope.tenant_id if tx.scope else tenant_id,
        kind=kind,
        payload=Jsonb(dict(payload)),
        delay=delay,
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
    """Wait until nobody else publishes, and keep it so until this transaction ends.

    Raises Unavailable when another keeps at it for longer than a statement may take, which is no fault of PostgreSQL.
    """
    try:
        tx.row("SELECT pg_advisory_xact_lock(%(lock)s)", lock=_PUBLICATION_LOCK)
    except QueryCanceled as busy:
        raise Unavailable("publication", "another process is publishing") from busy


def claim(tx: Transaction, *kinds: str, limit: int = 100, lease: float = 60.0) -> list[Job]:
    """The oldest due jobs, now running. One that is neither finished nor failed within `lease` seconds is due again."""
    rows = tx.rows(
        """UPDATE jobs SET state = 'running', attempts = attempts + 1, run_at = now() + make_interval(secs => %(lease)s)
        WHERE id = ANY(ARRAY(
            SELECT id FROM jobs WHERE kind = ANY(%(kinds)s) AND state <> 'failed' AND run_at <= now()
            ORDER BY run_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )) RETURNING *""",
        kinds=list(kinds),
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


def put_off(tx: Transaction, identifier: UUID, payload: Mapping[str, Any], delay: float) -> None:
    """A job that is done for now begins anew in `delay` seconds, with another payload."""
    tx.run(
        """UPDATE jobs SET state = 'waiting', attempts = 0, error = NULL, payload = %(payload)s,
        run_at = now() + make_interval(secs => %(delay)s) WHERE id = %(id)s""",
        id=identifier,
        payload=Jsonb(dict(payload)),
        delay=delay,
    )


def page(tx: Transaction, state: JobState | None = None, *, limit: int = 100) -> list[Job]:
    """Jobs in this state or (None) in any, oldest first."""
    rows = tx.rows(
        "SELECT * FROM jobs WHERE %(state)s::text IS NULL OR state = %(state)s ORDER BY id LIMIT %(limit)s",
        state=state,
        limit=limit,
    )
    return [_job(row) for row in rows]


def retry(tx: Transaction, identifiers: Collection[UUID] | None = None) -> int:
    """Have failed jobs, or (None) all of them, tried again from the beginning; says how many."""
    return tx.run(
        """UPDATE jobs SET state = 'waiting', attempts = 0, run_at = now()
        WHERE state = 'failed' AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s))""",
        ids=None if identifiers is None else list(identifiers),
    )


def drop(tx: Transaction, identifiers: Collection[UUID]) -> int:
    """Give failed jobs up for good; says how many."""
    return tx.run("DELETE FROM jobs WHERE state = 'failed' AND id = ANY(%(ids)s)", ids=list(identifiers))


def _job(row: DictRow) -> Job:
    return Job(**row | {"state": JobState(row["state"])})
