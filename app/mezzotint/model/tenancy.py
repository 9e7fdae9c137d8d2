"""Who owns what: organization → tenant → space."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Organization:
    """The top of the hierarchy.

    A slug, here and below, is never used again after deletion: old URLs must not show another's pictures.
    """

    id: UUID
    slug: str
    name: str
    created_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """One customer of an organization: nothing is shared between two tenants."""

    id: UUID
    organization_id: UUID
    slug: str
    name: str
    created_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Space:
    """A named place for assets within a tenant."""

    id: UUID
    organization_id: UUID
    tenant_id: UUID
    slug: str
    name: str
    created_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a transaction may touch: one tenant's, or (tenant_id None) a whole organization's."""

    organization_id: UUID
    tenant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The level a policy or a preset belongs to: an organization, one of its tenants or of their spaces."""

    organization_id: UUID
    tenant_id: UUID | None = None
    space_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.space_id is not None and self.tenant_id is None:
            raise ValueError("a space is owned by a tenant: tenant_id is missing")
