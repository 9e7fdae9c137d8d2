"""Assets: read, listed, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from mezzotint.data import assets, generations
from mezzotint.data.postgres import Database
from mezzotint.model.asset import Asset, State, Version
from mezzotint.model.errors import NotFound
from mezzotint.model.identifiers import to_ulid
from mezzotint.services import follow_up
from mezzotint.services.caller import Caller
from mezzotint.services.labels import clean_folder
from mezzotint.services.publish import Publisher
from mezzotint.services.reach import Place, find_asset_scope, find_place, place_of, reading
from mezzotint.services.record import record


@dataclass(frozen=True, slots=True)
class Located:
    """An asset and the space that it lies in."""

    asset: Asset
    place: Place


class Assets:
    """What is there. An asset in the middle of its first upload is listed only when its state is asked for."""

    def __init__(self, database: Database, publisher: Publisher, *, grace: float) -> None:
        """`grace`: seconds after which what was deleted is gone for good."""
        self._database = database
        self._publisher = publisher
        self._grace = grace

    def get(self, caller: Caller, asset_id: UUID) -> tuple[Located, list[Version]]:
        """An asset at its current version, and all its versions. Raises NotFound."""
        with self._database.scoped(find_asset_scope(self._database, caller, asset_id)) as tx:
            asset = assets.get(tx, asset_id)
            if asset is None:
                raise NotFound
            return Located(asset, place_of(tx, asset)), assets.versions(tx, asset_id)

    def page(
        self,
        caller: Caller,
        organization: str | None,
        tenant: str | None,
        space: str,
        *,
        folder: str | None = None,
        tag: str | None = None,
        state: State = State.READY,
        after: UUID | None = None,
        limit: int = 100,
    ) -> tuple[Place, list[Asset]]:
        """Those of a space, newest first; `after` is the last one seen. Raises NotFound, InvalidField."""
        wanted = None if folder is None else clean_folder(folder)
        with reading(self._database, caller) as tx:
            place = find_place(tx, caller, organization, tenant, space)
        with self._database.scoped(place.scope) as tx:
            found = assets.page(tx, place.space.id, after=after, limit=limit, folder=wanted, tag=tag, state=state)
        return place, found

    def delete(self, caller: Caller, asset_id: UUID) -> None:
        """Hide an asset and, within a second, everything delivered of it. Raises NotFound."""
        scope = find_asset_scope(self._database, caller, asset_id)
        name = to_ulid(asset_id)
        with self._database.scoped(scope) as tx:
            if not assets.delete(tx, asset_id):
                raise NotFound
            generations.bump(tx, f"a:{name}")
            follow_up.purge(tx, asset_id, delay=self._grace)
            record(tx, caller, "asset.delete", name)
        self._publisher.drain()
