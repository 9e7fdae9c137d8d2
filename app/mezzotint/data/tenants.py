"""The table of tenants."""

from uuid import UUID

from psycopg.rows import DictRow

from mezzotint.data import jobs
from mezzotint.data.postgres import Transaction
from mezzotint.model.errors import Conflict
from mezzotint.model.identifiers import new_id
from mezzotint.model.tenancy import Owner, Tenant

_LIVE = "SELECT * FROM tenants WHERE deleted_at IS NULL"


def insert(tx: Transaction, organization_id: UUID, slug: str, name: str) -> Tenant:
    """Raises Conflict when the slug is or was taken in its organization."""
    row = tx.row(
        """INSERT INTO tenants (organization_id, id, slug, name)
        VALUES (%(organization)s, %(id)s, %(slug)s, %(name)s)
        ON CONFLICT (organization_id, slug) DO NOTHING RETURNING *""",
        organization=organization_id,
        id=new_id(),
        slug=slug,
        name=name,
    )
    if row is None:
        raise Conflict(f"the tenant {slug} exists or has existed", field="slug")
    return _tenant(row)


def get(tx: Transaction, tenant_id: UUID) -> Tenant | None:
    row = tx.row(f"{_LIVE} AND id = %(id)s", id=tenant_id)
    return _tenant(row) if row else None


def by_slug(tx: Transaction, organization_id: UUID, slug: str) -> Tenant | None:
    row = tx.row(
        f"{_LIVE} AND organization_id = %(organization)s AND slug = %(slug)s",
        organization=organization_id,
        slug=slug,
    )
    return _tenant(row) if row else None


def page(tx: Transaction, organization_id: UUID, *, after: UUID | None = None, limit: int = 100) -> list[Tenant]:
    """Oldest first; `after` is the last id of the page before."""
    rows = tx.rows(
        f"""{_LIVE} AND organization_id = %(organization)s AND (%(after)s::uuid IS NULL OR id > %(after)s)
        ORDER BY id LIMIT %(limit)s""",
        organization=organization_id,
        after=after,
        limit=limit,
    )
    return [_tenant(row) for row in rows]


def delete(tx: Transaction, tenant_id: UUID) -> bool:
    row = tx.row(
        """UPDATE tenants SET deleted_at = now() WHERE id = %(id)s AND deleted_at IS NULL
        RETURNING organization_id""",
        id=tenant_id,
    )
    if row is None:
        return False
    jobs.publish_below(tx, Owner(row["organization_id"], tenant_id))
    return True


def _tenant(row: DictRow) -> Tenant:
    return Tenant(**row)
