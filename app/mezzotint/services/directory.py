"""What a delivery needs to know of tenancy: the space and its policy, the signing key, the preset, the generations.

The published snapshot answers in one round trip. Where Redis is away or has lost its data the registry does: slower,
never wrong.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mezzotint.data import generations, policies, presets, publication, seal, spaces
from mezzotint.data.snapshot import generation_scopes
from mezzotint.model.address import Address
from mezzotint.model.errors import Unavailable
from mezzotint.model.policy import Policy
from mezzotint.model.tenancy import Owner
from mezzotint.services.verify import VerifyingKey

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database, Transaction
    from mezzotint.data.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Place:
    """A space, and what its policy comes to."""

    organization_id: UUID
    tenant_id: UUID
    space_id: UUID
    policy: Policy


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to know for one address; None for what does not exist. `preset` is its operations."""

    place: Place | None
    key: VerifyingKey | None
    preset: str | None
    generations: tuple[int, ...]

    @property
    def asset_generations(self) -> tuple[int, ...]:
        """Those of all, organization, tenant, space and asset; the presets' come behind them."""
        return self.generations[:5]


class Directory:
    """Looks tenancy up, in the snapshot first."""

    def __init__(self, snapshot: Snapshot, database: Database, seal_key: bytes) -> None:
        self._snapshot = snapshot
        self._database = database
        self._seal_key = seal_key

    def look(self, address: Address, *, kid: str | None, preset: str | None) -> Known:
        """What `address` names, with the key `kid` and the nearest preset called `preset`. Raises Unavailable."""
        try:
            looked = self._snapshot.look(address, kid=kid, preset=preset)
        except Unavailable:
            looked = None
        if looked is None:
            with self._database.operator() as tx:
                return self._registered(tx, address, kid, preset)
        return Known(
            place=_place(looked.space) if looked.space else None,
            key=self._key(looked.key) if looked.key else None,
            preset=looked.preset["operations"] if looked.preset else None,
            generations=looked.generations,
        )

    def _registered(self, tx: Transaction, address: Address, kid: str | None, preset: str | None) -> Known:
        record = dict(publication.keys(tx, kids=[kid])).get(kid) if kid else None
        key = self._key(record) if record else None
        space = spaces.locate(tx, address.organization, address.tenant, address.space)
        counts = tuple(generations.get(tx, scope) for scope in generation_scopes(address, preset))
        if space is None:
            return Known(None, key, None, counts)
        owner = Owner(space.organization_id, space.tenant_id, space.id)
        found = presets.nearest(tx, owner, preset) if preset else None
        return Known(
            place=Place(space.organization_id, space.tenant_id, space.id, policies.resolved(tx, owner)),
            key=key,
            preset=found.spelling if found else None,
            generations=counts,
        )

    def _key(self, record: dict[str, Any]) -> VerifyingKey:
        return VerifyingKey(
            organization=record["organization"],
            tenant=record["tenant"],
            status=record["status"],
            grace_until=record["grace_until"],
            max_lifetime=record["max_lifetime"],
            secret=seal.unseal(self._seal_key, record["kid"], base64.b64decode(record["secret"])),
        )


def _place(record: dict[str, Any]) -> Place:
    return Place(
        UUID(record["organization_id"]),
        UUID(record["tenant_id"]),
        UUID(record["space_id"]),
        Policy.from_json(record["policy"]),
    )
