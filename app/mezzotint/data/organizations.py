"""The table of organizations; the operator writes it."""

from uuid import UUID

from psycopg.rows import DictRow

from mezzotint.data import jobs
from mezzotint.data.postgres import Transaction
from mezzotint.model.errors import Conflict
from mezzotint.model.identifiers import new_id
from mezzotint.model.tenancy import Organization, Owner

_LIVE = "SELECT * FROM organizations WHERE deleted_at IS NULL"


def insert(tx: Transaction, slug: str, name: str) -> Organization:
    """Raises Conflict when the slug is or was taken."""
    row = tx.row(
        """INSERT INTO organizations (id, slug, name) VALUES (%(id)s, %(slug)s, %(name)s)
        ON CONFLICT (slug) DO NOTHING RETURNING *""",
        id=new_id(),
        slug=slug,
        name=name,
    )
    if row is None:
        raise Conflict(f"the organization {slug} exists or has existed", field="slug")
    return _organization(row)


def get(tx: Transaction, organization_id: UUID) -> Organization | None:
    row = tx.row(f"{_LIVE} AND id = %(id)s", id=organization_id)
    return _organization(row) if row else None


def by_slug(tx: Transaction, slug: str) -> Organization | None:
    row = tx.row(f"{_LIVE} AND slug = %(slug)s", slug=slug)
    return _organization(row) if row else None


def page(tx: Transaction, *, after: UUID | None = None, limit: int = 100) -> list[Organization]:
    """Oldest first; `after` is the last id of the page before."""
    rows = tx.rows(
        f"{_LIVE} AND (%(after)s::uuid IS NULL OR id > %(after)s) ORDER BY id LIMIT %(limit)s",
        after=after,
        limit=limit,
    )
    return [_organization(row) for row in rows]


def delete(tx: Transaction, organization_id: UUID) -> bool:
    deleted = tx.run(
        "UPDATE organizations SET deleted_at = now() WHERE id = %(id)s AND deleted_at IS NULL",
        id=organization_id,
    )
    if deleted:
        jobs.publish_below(tx, Owner(organization_id))
    return deleted == 1


def _organization(row: DictRow) -> Organization:
    return Organization(**row)
