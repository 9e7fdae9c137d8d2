"""An upload that its client sends to the store by itself."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mezzotint.model.asset import Access
from mezzotint.model.tenancy import Owner, Scope


@dataclass(frozen=True, slots=True)
class Upload:
    """What was announced, and the key that the client may write to until `expires_at`.

    `bytes` and `content_hash` (None: not announced) are what must arrive. `asset_id` is what became of it.
    """

    organization_id: UUID
    tenant_id: UUID
    space_id: UUID
    id: UUID
    file_name: str
    access: Access | None
    folder: str
    tags: tuple[str, ...]
    bytes: int
    content_hash: str | None
    store: str
    key: str
    created_at: datetime
    expires_at: datetime
    asset_id: UUID | None = None

    @property
    def scope(self) -> Scope:
        return Scope(self.organization_id, self.tenant_id)

    @property
    def owner(self) -> Owner:
        return Owner(self.organization_id, self.tenant_id, self.space_id)
