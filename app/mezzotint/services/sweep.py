"""Stores against the registry, both ways: objects that no row speaks of, and rows whose object is gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from mezzotint.data import objects

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.plugin_api import Storage
    from mezzotint.services.work import Payload

log = structlog.get_logger(__name__)

AT_ONCE = 1000


class Sweep:
    """Compares a slice at a time. Objects younger than `grace` seconds may be on their way and are left alone.

    Deleted is only what lies under a tenant of ours, so that a bucket shared with somebody else loses nothing of his.
    """

    def __init__(self, database: Database, stores: Mapping[str, Storage], *, grace: float) -> None:
        self._database = database
        self._stores = stores
        self._grace = timedelta(seconds=grace)

    def sweep(self, at: Payload) -> Payload:
        """A slice, from {"store", "after"} on; says where the next one begins: a chore. Raises StoreUnavailable."""
        names = sorted(self._stores)
        name, after = at.get("store", names[0]), at.get("after", "")
        storage = self._stores.get(name)
        until = None
        if storage is not None:
            listed = list(islice(storage.list(after=after), AT_ONCE))
            until = listed[-1].key if len(listed) == AT_ONCE else None
            with self._database.operator() as tx:
                rows = objects.page(tx, name, after=after, until=until, limit=AT_ONCE)
                until = rows[-1] if len(rows) == AT_ONCE else until
                listed = [each for each in listed if until is None or each.key <= until]
                ours = objects.under_tenants(tx, [each.key for each in listed])
                known = objects.named(tx, ours)
            oldest = datetime.now(UTC) - self._grace
            orphans = [each.key for each in listed if each.key in ours - known and each.modified < oldest]
            self._delete(storage, name, orphans)
            self._tell_missing(storage, name, sorted(set(rows) - {each.key for each in listed}))
        if until is not None:
            return {"store": name, "after": until}
        later = [other for other in names if other > name]
        return {"store": later[0], "after": ""} if later else {}

    def _delete(self, storage: Storage, store: str, keys: list[str]) -> None:
        with self._database.operator() as tx:
            keys = sorted(set(keys) - objects.named(tx, keys))  # a row may have come meanwhile
        for key in keys:
            storage.delete(key)
            log.warning("orphan_deleted", store=store, key=key)

    def _tell_missing(self, storage: Storage, store: str, keys: list[str]) -> None:
        """A variant or mezzanine is made again when it is asked for; an original has to come from a backup."""
        for key in keys:
            if storage.exists(key):
                continue
            with self._database.operator() as tx:
                if objects.named(tx, [key]):
                    log.error("object_missing", store=store, key=key)
