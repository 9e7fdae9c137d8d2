"""Who did what, when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log; it never holds a secret.

    `actor` is an API key's ULID or "cli", `action` reads noun.verb ("asset.delete"), `subject` names what
    it acted on.
    """

    sequence: int
    at: datetime
    organization_id: UUID | None
    tenant_id: UUID | None
    actor: str
    action: str
    subject: str
    request_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
