"""The table of variants."""

from collections.abc import Collection, Mapping
from uuid import UUID

from psycopg.rows import DictRow

from mezzotint.data.postgres import Transaction
from mezzotint.model.identifiers import new_id
from mezzotint.model.tenancy import Scope
from mezzotint.model.variant import CacheTier, Variant

_OF_IDENTITY = "SELECT * FROM variants WHERE tenant_id = %(tenant)s AND identity = %(identity)s"


def get(tx: Transaction, identity: str) -> Variant | None:
    """The tenant's variant of this identity."""
    row = tx.row(_OF_IDENTITY, tenant=tx.tenant_id, identity=identity)
    return _variant(row) if row else None


def record(
    tx: Transaction,
    *,
    asset_id: UUID,
    version: int,
    identity: str,
    operations: str,
    recipe: str,
    format: str,
    media_type: str,
    width: int,
    height: int,
    frames: int,
    bytes: int,
    content_hash: str,
    store: str,
    key: str,
    processing_time_ms: float,
    cpu_ms: float,
) -> Variant:
    """Record a rendering; when another one was quicker, its row is the answer and this one is not kept."""
    row = tx.row(
        """INSERT INTO variants (organization_id, tenant_id, id, asset_id, version, identity, operations, recipe,
        format, media_type, width, height, frames, bytes, content_hash, store, key, processing_time_ms, cpu_ms) VALUES
        (%(organization)s, %(tenant)s, %(id)s, %(asset_id)s, %(version)s, %(identity)s, %(operations)s, %(recipe)s,
        %(format)s, %(media_type)s, %(width)s, %(height)s, %(frames)s, %(bytes)s, %(content_hash)s, %(store)s,
        %(key)s, %(processing_time_ms)s, %(cpu_ms)s)
        ON CONFLICT (tenant_id, identity) DO NOTHING RETURNING *""",
        organization=tx.organization_id,
        tenant=tx.tenant_id,
        id=new_id(),
        asset_id=asset_id,
        version=version,
        identity=identity,
        operations=operations,
        recipe=recipe,
        format=format,
        media_type=media_type,
        width=width,
        height=height,
        frames=frames,
        bytes=bytes,
        content_hash=content_hash,
        store=store,
        key=key,
        processing_time_ms=processing_time_ms,
        cpu_ms=cpu_ms,
    )
    return _variant(row or tx.one(_OF_IDENTITY, tenant=tx.tenant_id, identity=identity))


def by_id(tx: Transaction, variant_id: UUID) -> Variant | None:
    row = tx.row(
        "SELECT * FROM variants WHERE tenant_id = %(tenant)s AND id = %(id)s", tenant=tx.tenant_id, id=variant_id
    )
    return _variant(row) if row else None


def replace(
    tx: Transaction, variant_id: UUID, was: str, *, bytes: int, content_hash: str, store: str, key: str
) -> Variant | None:
    """Other bytes of the same picture, unless somebody replaced those under the key `was` meanwhile."""
    row = tx.row(
        """UPDATE variants SET bytes = %(bytes)s, content_hash = %(content_hash)s, store = %(store)s, key = %(key)s
        WHERE tenant_id = %(tenant)s AND id = %(id)s AND key = %(was)s RETURNING *""",
        tenant=tx.tenant_id,
        id=variant_id,
        was=was,
        bytes=bytes,
        content_hash=content_hash,
        store=store,
        key=key,
    )
    return _variant(row) if row else None


def mark_improved(tx: Transaction, variant_id: UUID) -> None:
    """A better encoding of this variant has been looked for, found or not."""
    tx.run(
        "UPDATE variants SET improved_at = now() WHERE tenant_id = %(tenant)s AND id = %(id)s",
        tenant=tx.tenant_id,
        id=variant_id,
    )


def popular(tx: Transaction, accesses: int, *, formats: Collection[str], limit: int) -> list[tuple[UUID, Scope]]:
    """Still variants asked for at least so often that nobody has tried to improve yet; for the operator."""
    rows = tx.rows(
        """SELECT variants.id, variants.organization_id, variants.tenant_id FROM variants
        JOIN assets ON assets.tenant_id = variants.tenant_id AND assets.id = asset_id AND deleted_at IS NULL
        WHERE improved_at IS NULL AND access_count >= %(accesses)s AND frames = 1 AND format = ANY(%(formats)s)
        ORDER BY access_count DESC LIMIT %(limit)s""",
        accesses=accesses,
        formats=list(formats),
        limit=limit,
    )
    return [(row["id"], Scope(row["organization_id"], row["tenant_id"])) for row in rows]


def touch(tx: Transaction, hits: Mapping[UUID, int]) -> int:
    """Count accesses by variant id; the operator's transaction counts for every tenant. Says how many were known."""
    return tx.run(
        """UPDATE variants SET access_count = access_count + hit.count, last_accessed_at = now(), cache_tier = 'hot'
        FROM unnest(%(ids)s::uuid[], %(counts)s::bigint[]) AS hit (id, count) WHERE variants.id = hit.id""",
        ids=list(hits),
        counts=list(hits.values()),
    )


def settle_tiers(tx: Transaction, *, warm_after: float, cold_after: float, limit: int) -> int:
    """Put variants that nobody asked for in so many seconds into their tier; says how many moved. For the operator."""
    return tx.run(
        """WITH settled AS (SELECT tenant_id, id, cache_tier, CASE
                WHEN coalesce(last_accessed_at, created_at) > now() - make_interval(secs => %(warm_after)s) THEN 'hot'
                WHEN coalesce(last_accessed_at, created_at) > now() - make_interval(secs => %(cold_after)s) THEN 'warm'
                ELSE 'cold' END AS tier FROM variants),
        moving AS (SELECT * FROM settled WHERE cache_tier <> tier LIMIT %(limit)s)
        UPDATE variants SET cache_tier = tier FROM moving
        WHERE variants.tenant_id = moving.tenant_id AND variants.id = moving.id""",
        warm_after=warm_after,
        cold_after=cold_after,
        limit=limit,
    )


def _variant(row: DictRow) -> Variant:
    return Variant(**row | {"cache_tier": CacheTier(row["cache_tier"])})
