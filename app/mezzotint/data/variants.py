"""The table of variants."""

from collections.abc import Mapping
from uuid import UUID

from psycopg.rows import DictRow

from mezzotint.data.postgres import Transaction
from mezzotint.model.identifiers import new_id
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
    processing_ms: float,
    cpu_ms: float,
) -> Variant:
    """Record a rendering; when another one was quicker, its row is the answer and this one is not kept."""
    row = tx.row(
        """INSERT INTO variants (organization_id, tenant_id, id, asset_id, version, identity, operations, recipe,
        format, media_type, width, height, frames, bytes, content_hash, store, key, processing_ms, cpu_ms) VALUES
        (%(organization)s, %(tenant)s, %(id)s, %(asset_id)s, %(version)s, %(identity)s, %(operations)s, %(recipe)s,
        %(format)s, %(media_type)s, %(width)s, %(height)s, %(frames)s, %(bytes)s, %(content_hash)s, %(store)s,
        %(key)s, %(processing_ms)s, %(cpu_ms)s)
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
        processing_ms=processing_ms,
        cpu_ms=cpu_ms,
    )
    return _variant(row or tx.one(_OF_IDENTITY, tenant=tx.tenant_id, identity=identity))


def touch(tx: Transaction, hits: Mapping[UUID, int]) -> int:
    """Count accesses by variant id; the operator's transaction counts for every tenant. Says how many were known."""
    return tx.run(
        """UPDATE variants SET access_count = access_count + hit.count, last_accessed_at = now()
        FROM unnest(%(ids)s::uuid[], %(counts)s::bigint[]) AS hit (id, count) WHERE variants.id = hit.id""",
        ids=list(hits),
        counts=list(hits.values()),
    )


def _variant(row: DictRow) -> Variant:
    return Variant(**row | {"cache_tier": CacheTier(row["cache_tier"])})
