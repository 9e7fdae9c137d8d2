"""What edges need of the registry, read by the operator in the form that the snapshot keeps.

Every function gives (name, record) pairs; a record of None says that what had the name is there no more.
"""

import base64
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from mezzotint.data.postgres import Transaction
from mezzotint.model import policy
from mezzotint.model.policy import Policy
from mezzotint.model.preset import spell
from mezzotint.model.signing import KeyStatus
from mezzotint.model.tenancy import Owner

Record = dict[str, Any]
Named = Iterator[tuple[str, Record | None]]

_BELOW = """{table}.organization_id = %(organization)s
    AND (%(tenant)s::uuid IS NULL OR {table}.tenant_id = %(tenant)s)"""


def keys(tx: Transaction, *, kids: Collection[str] | None = None, below: Owner | None = None) -> Named:
    """The signing keys named, below an owner, or (neither) all; the keys of what is deleted are revoked."""
    if below and below.space_id:
        return
    policies = _policies(tx, below)
    rows = tx.rows(
        f"""SELECT signing_keys.*, organizations.slug AS organization, coalesce(tenants.slug, '*') AS tenant,
        organizations.deleted_at IS NOT NULL OR tenants.deleted_at IS NOT NULL AS deleted
        FROM signing_keys JOIN organizations ON organizations.id = signing_keys.organization_id
        LEFT JOIN tenants ON tenants.organization_id = signing_keys.organization_id
            AND tenants.id = signing_keys.tenant_id
        WHERE (%(kids)s::text[] IS NULL OR kid = ANY(%(kids)s))
        AND (%(organization)s::uuid IS NULL OR {_BELOW.format(table="signing_keys")})""",
        kids=None if kids is None else list(kids),
        **_owner(below),
    )
    for row in rows:
        yield row["kid"], _key(row, policies)


def spaces(tx: Transaction, *, below: Owner | None = None) -> Named:
    """The spaces of and below an owner, or all, by path."""
    policies = _policies(tx, below)
    rows = tx.rows(
        f"""SELECT spaces.*, organizations.slug || '/' || tenants.slug || '/' || spaces.slug AS path,
        organizations.deleted_at IS NULL AND tenants.deleted_at IS NULL AND spaces.deleted_at IS NULL AS live
        FROM spaces JOIN organizations ON organizations.id = spaces.organization_id
        JOIN tenants ON tenants.organization_id = spaces.organization_id AND tenants.id = spaces.tenant_id
        WHERE %(organization)s::uuid IS NULL OR ({_BELOW.format(table="spaces")}
        AND (%(space)s::uuid IS NULL OR spaces.id = %(space)s))""",
        **_owner(below),
    )
    for row in rows:
        yield row["path"], _space(row, policies) if row["live"] else None


def presets(tx: Transaction, *, ids: Collection[UUID] | None = None, below: Owner | None = None) -> Named:
    """The presets named, of and below an owner, or all, by path."""
    rows = tx.rows(
        f"""SELECT concat_ws('/', organizations.slug, tenants.slug, spaces.slug, presets.name) AS path,
        live.operations FROM presets JOIN organizations ON organizations.id = presets.organization_id
        LEFT JOIN tenants ON tenants.organization_id = presets.organization_id AND tenants.id = presets.tenant_id
        LEFT JOIN spaces ON spaces.tenant_id = presets.tenant_id AND spaces.id = presets.space_id
        LEFT JOIN presets AS live ON live.organization_id = presets.organization_id
            AND live.tenant_id IS NOT DISTINCT FROM presets.tenant_id
            AND live.space_id IS NOT DISTINCT FROM presets.space_id
            AND live.name = presets.name AND live.deleted_at IS NULL AND organizations.deleted_at IS NULL
            AND tenants.deleted_at IS NULL AND spaces.deleted_at IS NULL
        WHERE (%(ids)s::uuid[] IS NULL OR presets.id = ANY(%(ids)s))
        AND (%(organization)s::uuid IS NULL OR ({_BELOW.format(table="presets")}
        AND (%(space)s::uuid IS NULL OR presets.space_id = %(space)s)))""",
        ids=None if ids is None else list(ids),
        **_owner(below),
    )
    for row in rows:
        yield row["path"], None if row["operations"] is None else {"operations": spell(row["operations"])}


def generations(tx: Transaction, *, scopes: Collection[str] | None = None) -> Iterator[tuple[str, int]]:
    """The numbers of the scopes named, or of all that were ever raised."""
    rows = tx.rows(
        """SELECT scope, sum(number)::bigint AS number FROM generations
        WHERE %(scopes)s::text[] IS NULL OR scope = ANY(%(scopes)s) GROUP BY scope""",
        scopes=None if scopes is None else list(scopes),
    )
    for row in rows:
        yield row["scope"], row["number"]


def _key(row: DictRow, policies: dict[Owner, Policy]) -> Record:
    status = KeyStatus.REVOKED if row["deleted"] else KeyStatus(row["status"])
    return {
        "kid": row["kid"],
        "organization": row["organization"],
        "tenant": row["tenant"],
        "status": status,
        "grace_until": int(row["grace_until"].timestamp()) if status is KeyStatus.GRACE else None,
        "max_lifetime": _resolved(policies, Owner(row["organization_id"], row["tenant_id"])).max_lifetime,
        "secret": base64.b64encode(row["sealed_secret"]).decode(),
    }


def _space(row: DictRow, policies: dict[Owner, Policy]) -> Record:
    owner = Owner(row["organization_id"], row["tenant_id"], row["id"])
    return {
        "organization_id": str(owner.organization_id),
        "tenant_id": str(owner.tenant_id),
        "space_id": str(owner.space_id),
        "policy": _resolved(policies, owner).to_json(),
    }


def _policies(tx: Transaction, below: Owner | None) -> dict[Owner, Policy]:
    rows = tx.rows(
        "SELECT * FROM policies WHERE %(organization)s::uuid IS NULL OR organization_id = %(organization)s",
        organization=below and below.organization_id,
    )
    return {Owner(row["organization_id"], row["tenant_id"], row["space_id"]): Policy.from_json(row) for row in rows}


def _resolved(policies: dict[Owner, Policy], owner: Owner) -> Policy:
    organization, tenant = Owner(owner.organization_id), Owner(owner.organization_id, owner.tenant_id)
    return policy.resolve(*(policies.get(level) for level in (owner, tenant, organization)))


def _owner(owner: Owner | None) -> Record:
    return {
        "organization": owner and owner.organization_id,
        "tenant": owner and owner.tenant_id,
        "space": owner and owner.space_id,
    }
