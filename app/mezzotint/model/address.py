"""What a delivery path names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Access = Literal["pub", "priv"]


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a delivery path; `operations` and `ext` as they were sent (but `jpeg` is `jpg`)."""

    access: Access
    organization: str
    tenant: str
    space: str
    asset: UUID
    version: int
    operations: str
    ext: str

    @property
    def place(self) -> str:
        """`organization/tenant/space`, as snapshots and caches name a space."""
        return f"{self.organization}/{self.tenant}/{self.space}"
