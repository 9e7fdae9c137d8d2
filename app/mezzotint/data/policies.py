"""The table of policies: at most one for each organization, tenant and space."""

from mezzotint.data import jobs
from mezzotint.data.postgres import Transaction
from mezzotint.model import policy as model
from mezzotint.model.policy import Policy
from mezzotint.model.tenancy import Owner

_COLUMNS = ", ".join(model.NAMES)


def get(tx: Transaction, owner: Owner) -> Policy | None:
    """What exactly this owner decided."""
    row = tx.row(
        f"""SELECT {_COLUMNS} FROM policies WHERE organization_id = %(organization)s
        AND tenant_id IS NOT DISTINCT FROM %(tenant)s AND space_id IS NOT DISTINCT FROM %(space)s""",
        organization=owner.organization_id,
        tenant=owner.tenant_id,
        space=owner.space_id,
    )
    return Policy.from_json(row) if row else None


def resolved(tx: Transaction, owner: Owner) -> Policy:
    """The complete policy that holds for `owner`, with what it inherits."""
    rows = tx.rows(
        f"""SELECT {_COLUMNS} FROM policies WHERE organization_id = %(organization)s
        AND (tenant_id IS NULL OR tenant_id = %(tenant)s) AND (space_id IS NULL OR space_id = %(space)s)
        ORDER BY space_id NULLS LAST, tenant_id NULLS LAST""",
        organization=owner.organization_id,
        tenant=owner.tenant_id,
        space=owner.space_id,
    )
    return model.resolve(*map(Policy.from_json, rows))


def put(tx: Transaction, owner: Owner, policy: Policy) -> None:
    """Set all of the owner's policy; what is None there is inherited from now on."""
    tx.run(
        f"""INSERT INTO policies (organization_id, tenant_id, space_id, {_COLUMNS})
        VALUES (%(organization)s, %(tenant)s, %(space)s, {", ".join(f"%({name})s" for name in model.NAMES)})
        ON CONFLICT (organization_id, tenant_id, space_id) DO UPDATE SET updated_at = now(),
        {", ".join(f"{name} = excluded.{name}" for name in model.NAMES)}""",
        organization=owner.organization_id,
        tenant=owner.tenant_id,
        space=owner.space_id,
        **policy.to_json(),
    )
    jobs.publish_below(tx, owner)
