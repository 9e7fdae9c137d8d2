"""A derived picture: one asset version, one canonical plan, one output format."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class CacheTier(StrEnum):
    """How lately a variant was asked for, or made."""

    HOT = "hot"
    WARM = "warm"
    COLD = "cold"


@dataclass(frozen=True, slots=True)
class Variant:
    """A stored rendering.

    `identity` (64 hex digits) is unique within the tenant. `asset_id` and `version` name what it was
    first made for: another asset with the same bytes shares it.
    """

    id: UUID
    organization_id: UUID
    tenant_id: UUID
    asset_id: UUID
    version: int
    identity: str
    operations: str  # canonical, preset expanded, no fmt_auto
    recipe: str
    format: str
    media_type: str
    width: int
    height: int
    frames: int
    bytes: int
    content_hash: str  # SHA-256 of the bytes, 64 lower-case hex digits
    store: str
    key: str
    processing_time_ms: float
    cpu_ms: float
    created_at: datetime
    access_count: int = 0
    last_accessed_at: datetime | None = None
    cache_tier: CacheTier = CacheTier.HOT
    improved_at: datetime | None = None  # when a better encoding was looked for
