"""Which objects of the stores the rows speak of, across all tenants: for the operator."""

from collections.abc import Collection
from uuid import UUID

from mezzotint.data.postgres import Transaction
from mezzotint.model.identifiers import from_ulid

# A failed version has no object to keep.
_NAMED = """SELECT store, key COLLATE "C" AS key FROM asset_versions WHERE state <> 'failed'
    UNION ALL SELECT mezzanine_store, mezzanine_key COLLATE "C" FROM asset_versions WHERE mezzanine_key IS NOT NULL
    UNION ALL SELECT store, key COLLATE "C" FROM variants"""


def page(tx: Transaction, store: str, *, after: str, until: str | None, limit: int) -> list[str]:
    """The keys in `store` behind `after`, up to and with `until` (None: to the end), in the order of their bytes."""
    rows = tx.rows(
        f"""SELECT key FROM ({_NAMED}) AS named WHERE store = %(store)s AND key > %(after)s
        AND (%(until)s::text IS NULL OR key <= %(until)s) ORDER BY key LIMIT %(limit)s""",
        store=store,
        after=after,
        until=until,
        limit=limit,
    )
    return [row["key"] for row in rows]


def named(tx: Transaction, keys: Collection[str]) -> set[str]:
    """Those of `keys` that a row speaks of, in whatever store: two names may stand for one bucket."""
    rows = tx.rows(f"SELECT key FROM ({_NAMED}) AS named WHERE key = ANY(%(keys)s)", keys=list(keys))
    return {row["key"] for row in rows}


def under_tenants(tx: Transaction, keys: Collection[str]) -> set[str]:
    """Those of `keys` whose first part is the identifier of a tenant of this registry."""
    by_tenant = {key: tenant for key in keys if (tenant := _tenant(key.partition("/")[0])) is not None}
    rows = tx.rows("SELECT id FROM tenants WHERE id = ANY(%(ids)s)", ids=list(set(by_tenant.values())))
    there = {row["id"] for row in rows}
    return {key for key, tenant in by_tenant.items() if tenant in there}


def _tenant(text: str) -> UUID | None:
    try:
        return from_ulid(text) if len(text) == 26 else UUID(text)
    except ValueError:
        return None
