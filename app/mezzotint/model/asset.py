"""An uploaded original and its numbered versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from mezzotint.model.tenancy import Owner, Scope


class Access(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"


class State(StrEnum):
    """Of one version: pending (row written, bytes on their way) → processing → ready or failed."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class SourceKind(StrEnum):
    UPLOAD = "upload"
    REMOTE = "remote"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True)
class Content:
    """What inspection found in the bytes of a version. Width and height are those of the picture upright."""

    media_type: str
    format: str
    bytes: int
    content_hash: str  # SHA-256, 64 lower-case hex digits
    width: int
    height: int
    colour_space: str
    bits: int
    has_alpha: bool
    frames: int
    orientation: int  # EXIF, 1..8, as stored in the bytes
    dominant_colour: str  # "#rrggbb"
    thumbhash: str  # base64
    exif: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mezzanine:
    """A smaller JPEG of a large original, in a store, from which variants may be rendered."""

    store: str
    key: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Version:
    """One set of bytes of an asset, under a store key that is never reused; `content` is known once ready."""

    asset_id: UUID
    number: int
    state: State
    source_kind: SourceKind
    file_name: str
    uploaded_by: str
    store: str
    key: str
    created_at: datetime
    content: Content | None = None
    failure: str | None = None
    mezzanine: Mezzanine | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset, seen at one of its versions.

    `current` is the number of the newest ready version; until one is ready, of the first.
    """

    id: UUID
    organization_id: UUID
    tenant_id: UUID
    space_id: UUID
    access: Access
    folder: str
    tags: tuple[str, ...]
    current: int
    version: Version
    created_at: datetime
    updated_at: datetime

    @property
    def state(self) -> State:
        return self.version.state

    @property
    def scope(self) -> Scope:
        return Scope(self.organization_id, self.tenant_id)

    @property
    def owner(self) -> Owner:
        """Whose policy and presets are its own: its space's."""
        return Owner(self.organization_id, self.tenant_id, self.space_id)
