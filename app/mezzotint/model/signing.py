"""Keys: signing keys sign delivery URLs, API keys open the control plane."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class KeyStatus(StrEnum):
    """active: signs and verifies; grace: verifies until its end; revoked: nothing."""

    ACTIVE = "active"
    GRACE = "grace"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of one tenant, or (tenant_id None) of all of its organization; no repr shows its secret."""

    id: UUID
    kid: str
    organization_id: UUID
    tenant_id: UUID | None
    status: KeyStatus
    grace_until: datetime | None
    created_at: datetime
    sealed_secret: bytes

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r}, status={self.status.value!r})"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a tenant, of an organization (tenant_id None), or of the installation's operator (both None).

    `secret_hash` is the SHA-256 of the secret, which is long and random: a slow hash would add nothing.
    """

    id: UUID
    organization_id: UUID | None
    tenant_id: UUID | None
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    secret_hash: bytes

    def valid_at(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def __repr__(self) -> str:
        return f"ApiKey(id={self.id}, name={self.name!r})"
