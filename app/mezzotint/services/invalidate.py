"""Invalidation: what caches hold of an asset is no longer asked for, within a second, everywhere."""

from __future__ import annotations

from uuid import UUID

from mezzotint.data import assets, generations
from mezzotint.data.postgres import Database
from mezzotint.model.errors import NotFound
from mezzotint.model.identifiers import to_ulid
from mezzotint.services.caller import Caller
from mezzotint.services.publish import Publisher
from mezzotint.services.reach import find_asset_scope
from mezzotint.services.record import record


class Invalidate:
    """Raises generations, which are part of every cache key."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    def asset(self, caller: Caller, asset_id: UUID) -> int:
        """The asset's new generation. Raises NotFound."""
        scope = find_asset_scope(self._database, caller, asset_id)
        name = to_ulid(asset_id)
        with self._database.scoped(scope) as tx:
            if assets.get(tx, asset_id) is None:
                raise NotFound
            generation = generations.bump(tx, f"a:{name}")
            record(tx, caller, "asset.invalidate", name, generation=generation)
        self._publisher.drain()
        return generation
