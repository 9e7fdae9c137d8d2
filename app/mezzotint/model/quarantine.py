"""Pictures that are not touched any more, since they break renderers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

STRIKES = 2
"""that put a picture into quarantine"""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """The bytes (their SHA-256 in hex) that a tenant's pictures may not have."""

    organization_id: UUID
    tenant_id: UUID
    content_hash: str
    strikes: int
    reason: str
    struck_at: datetime
