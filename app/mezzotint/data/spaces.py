"""The table of spaces."""

from uuid import UUID

from psycopg.rows import DictRow

from mezzotint.data import jobs
from mezzotint.data.postgres import Transaction
from mezzotint.model.errors import Conflict
from mezzotint.model.identifiers import new_id
from mezzotint.model.tenancy import Owner, Space

_LIVE = "SELECT * FROM spaces WHERE deleted_at IS NULL"


def insert(tx: Transaction, organization_id: UUID, tenant_id: UUID, slug: str, name: str) -> Space:
    """Raises Conflict when the slug is or was taken in its tenant."""
    row = tx.row(
        """INSERT INTO spaces (organization_id, tenant_id, id, slug, name)
        VALUES (%(organization)s, %(tenant)s, %(id)s, %(slug)s, %(name)s)
        ON CONFLICT (tenant_id, slug) DO NOTHING RETURNING *""",
        organization=organization_id,
        tenant=tenant_id,
        id=new_id(),
        slug=slug,
        name=name,
    )
    if row is None:
        raise Conflict(f"the space {slug} exists or has existed", field="slug")
    space = _space(row)
    jobs.publish_below(tx, Owner(organization_id, tenant_id, space.id))
    return space


def get(tx: Transaction, space_id: UUID) -> Space | None:
    row = tx.row(f"{_LIVE} AND id = %(id)s", id=space_id)
    return _space(row) if row else None


def by_slug(tx: Transaction, tenant_id: UUID, slug: str) -> Space | None:
    row = tx.row(f"{_LIVE} AND tenant_id = %(tenant)s AND slug = %(slug)s", tenant=tenant_id, slug=slug)
    return _space(row) if row else None


def locate(tx: Transaction, organization: str, tenant: str, space: str) -> Space | None:
    """The space that the three slugs of a URL name, if all three levels live."""
    row = tx.row(
        """SELECT spaces.* FROM spaces
        JOIN tenants ON tenants.organization_id = spaces.organization_id AND tenants.id = spaces.tenant_id
        JOIN organizations ON organizations.id = spaces.organization_id
        WHERE organizations.slug = %(organization)s AND tenants.slug = %(tenant)s AND spaces.slug = %(space)s
        AND organizations.deleted_at IS NULL AND tenants.deleted_at IS NULL AND spaces.deleted_at IS NULL""",
        organization=organization,
        tenant=tenant,
        space=space,
    )
    return _space(row) if row else None


def page(tx: Transaction, tenant_id: UUID, *, after: UUID | None = None, limit: int = 100) -> list[Space]:
    """Oldest first; `after` is the last id of the page before."""
    rows = tx.rows(
        f"""{_LIVE} AND tenant_id = %(tenant)s AND (%(after)s::uuid IS NULL OR id > %(after)s)
        ORDER BY id LIMIT %(limit)s""",
        tenant=tenant_id,
        after=after,
        limit=limit,
    )
    return [_space(row) for row in rows]


def delete(tx: Transaction, space_id: UUID) -> bool:
    row = tx.row(
        """UPDATE spaces SET deleted_at = now() WHERE id = %(id)s AND deleted_at IS NULL
        RETURNING organization_id, tenant_id""",
        id=space_id,
    )
    if row is None:
        return False
    jobs.publish_below(tx, Owner(row["organization_id"], row["tenant_id"], space_id))
    return True


def _space(row: DictRow) -> Space:
    return Space(**row)
