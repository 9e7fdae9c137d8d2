"""The table of generations: numbers in the cache key; raising one leaves behind all that was cached under it."""

from mezzotint.data import jobs
from mezzotint.data.postgres import Transaction


def bump(tx: Transaction, scope: str) -> int:
    """Raise the generation of `scope` and give its new number.

    `scope` is spelled as the cache key's parts are: `*`, `o:{org}`, `t:{org}/{tenant}`, `s:{org}/{tenant}/{space}`,
    `a:{ASSET}`, `p:` and the preset's path. The operator alone may raise `*`, and a transaction open for a tenant
    only what is the tenant's. Each of the three counts in a row of its own, and a scope's number is their sum: it
    grows whoever raises it.
    """
    organization = tx.scope.organization_id if tx.scope else None
    tenant = tx.scope.tenant_id if tx.scope else None
    tx.run(
        """INSERT INTO generations (organization_id, tenant_id, scope, number)
        VALUES (%(organization)s, %(tenant)s, %(scope)s, 1)
        ON CONFLICT (organization_id, tenant_id, scope) DO UPDATE SET number = generations.number + 1""",
        organization=organization,
        tenant=tenant,
        scope=scope,
    )
    jobs.publish(tx, "generation", scope, organization, tenant)
    return get(tx, scope)


def get(tx: Transaction, scope: str) -> int:
    """The number of `scope`, 0 when it was never raised."""
    row = tx.one("SELECT coalesce(sum(number), 0) AS number FROM generations WHERE scope = %(scope)s", scope=scope)
    return int(row["number"])
