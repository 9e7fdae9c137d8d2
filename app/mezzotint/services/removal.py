"""The end of things: objects that nobody speaks of any more, and deleted assets after their grace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from mezzotint.data import assets, audit, objects
from mezzotint.model.identifiers import to_ulid

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.model.job import Job
    from mezzotint.plugin_api import Storage


class Removal:
    """Takes objects and rows away for good: the object first, since its row is what tells of it."""

    def __init__(self, database: Database, stores: Mapping[str, Storage]) -> None:
        self._database = database
        self._stores = stores

    def discard(self, job: Job) -> None:
        """Delete an object, unless a row speaks of it again. Raises StoreUnavailable."""
        store, key = job.payload["store"], job.payload["key"]
        with self._database.operator() as tx:
            if objects.named(tx, [key]):
                return
        self._stores[store].delete(key)

    def purge(self, job: Job) -> None:
        """Delete every object and every row of a deleted asset. Raises StoreUnavailable."""
        asset_id = UUID(job.payload["asset"])
        with self._database.operator() as tx:
            found = assets.objects(tx, asset_id)
        for store, key in found:
            self._stores[store].delete(key)
        with self._database.operator() as tx:
            scope = assets.purge(tx, asset_id)
            if scope is not None:
                audit.append(
                    tx,
                    actor="worker",
                    action="asset.purge",
                    subject=to_ulid(asset_id),
                    detail={"objects": len(found)},
                    organization_id=scope.organization_id,
                    tenant_id=scope.tenant_id,
                )
