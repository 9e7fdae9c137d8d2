"""A named plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mezzotint.model.tenancy import Owner


@dataclass(frozen=True, slots=True)
class Preset:
    """A named plan of an organization, tenant or space; the nearest one wins.

    `operations` maps a token's key to its value as given, without defaults: a flag to True, a decimal to
    its text, so that no floating point enters. With `auto_generate` it is made ahead for assets that carry
    one of `match_tags` or lie in one of `match_folders`.
    """

    id: UUID
    owner: Owner
    name: str
    operations: Mapping[str, int | str | bool]
    auto_generate: bool
    match_tags: tuple[str, ...]
    match_folders: tuple[str, ...]
    created_at: datetime
    updated_at: datetime

    @property
    def spelling(self) -> str:
        return spell(self.operations)


def spell(operations: Mapping[str, int | str | bool]) -> str:
    """The operations as a URL may write them; their order is the grammar's to settle."""
    return "-".join(key if value is True else f"{key}_{value}" for key, value in operations.items())
