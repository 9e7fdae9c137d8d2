"""Publication: what edges and origins need of the registry is brought to the snapshot in Redis.

A change writes a job in its own transaction. Whoever drains the jobs publishes the state that each name has by then,
one at a time, so that no order can be wrong, and takes the jobs away after it; interrupted, it is done again.
"""

import logging
from collections.abc import Iterable
from threading import Event
from uuid import UUID

from mezzotint.data import jobs, publication
from mezzotint.data.postgres import Database, Transaction
from mezzotint.data.snapshot import Content, Snapshot
from mezzotint.model.errors import Unavailable
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.model.job import Job
from mezzotint.model.tenancy import Owner

log = logging.getLogger(__name__)

BATCH = 500
EVERY = 1.0
"""Seconds between two looks of the background loop."""
SOON = 0.2
"""Seconds, where Redis was away: what was revoked meanwhile is to be in force within a second of its return."""
PATIENCE = 60.0
"""Seconds that one query may take: a full publication reads everything."""


class Publisher:
    """Keeps the snapshot true to the registry."""

    def __init__(self, database: Database, snapshot: Snapshot) -> None:
        self._database = database
        self._snapshot = snapshot
        self._tended = True

    def drain(self) -> bool:
        """Publish all changes that are committed. False: PostgreSQL or Redis is away, and the loop will do it later."""
        try:
            while self._publish_some():
                pass
        except Unavailable as error:
            log.warning("not published yet: %s", error)
            return False
        return True

    def publish_all(self) -> None:
        """Publish everything under a new epoch, so that every reader reads all again. Raises Unavailable."""
        with self._database.operator(statement_timeout=PATIENCE) as tx:
            jobs.hold_publication(tx)
            self._publish_all(tx)

    def ensure(self) -> bool:
        """Publish everything if Redis has lost it; says whether it did. Raises Unavailable."""
        if self._snapshot.epoch() is not None:
            return False
        with self._database.operator(statement_timeout=PATIENCE) as tx:
            jobs.hold_publication(tx)
            # Another process may have been quicker.
            if self._snapshot.epoch() is not None:
                return False
            self._publish_all(tx)
        return True

    def loop(self, stop: Event) -> None:
        """Until `stop` is set: look after the snapshot again and again, for a background thread or greenlet."""
        while not stop.is_set():
            stop.wait(EVERY if self.tend() else SOON)

    def tend(self) -> bool:
        """Publish what there is to publish, and everything where Redis has lost it. False: it can't be looked after."""
        try:
            self.ensure()
        except Unavailable as error:
            if self._tended:
                log.warning("the snapshot can't be looked after: %s", error)
            self._tended = False
        else:
            self._tended = True
            self.drain()
        return self._tended

    def _publish_some(self) -> bool:
        """Publish one batch; says whether there was any."""
        with self._database.operator() as tx:
            jobs.hold_publication(tx)
            batch = jobs.claim(tx, jobs.PUBLISH, limit=BATCH)
            if not batch:
                return False
            if self._snapshot.epoch() is None:
                self._publish_all(tx)
            else:
                self._publish_changes(tx, batch)
            jobs.finish(tx, [job.id for job in batch])
        return True

    def _publish_all(self, tx: Transaction) -> None:
        self._snapshot.publish(
            to_ulid(new_id()),
            Content(
                keys=_there(publication.keys(tx)),
                generations=dict(publication.generations(tx)),
                spaces=_there(publication.spaces(tx)),
                presets=_there(publication.presets(tx)),
            ),
        )

    def _publish_changes(self, tx: Transaction, batch: list[Job]) -> None:
        named: dict[str, set[str]] = {"key": set(), "generation": set(), "preset": set()}
        owners: set[Owner] = set()
        for job in batch:
            if job.payload["type"] == "below":
                owners.add(_owner(job))
            else:
                named[job.payload["type"]].add(job.payload["name"])
        keys = dict(publication.keys(tx, kids=named["key"]))
        presets = dict(publication.presets(tx, ids={UUID(name) for name in named["preset"]}))
        spaces: dict[str, publication.Record | None] = {}
        for owner in owners:
            keys.update(publication.keys(tx, below=owner))
            presets.update(publication.presets(tx, below=owner))
            spaces.update(publication.spaces(tx, below=owner))
        self._snapshot.put("key", keys)
        self._snapshot.put("space", spaces)
        self._snapshot.put("preset", presets)
        # Last: a reader that sees the new generation must not find the old record.
        self._snapshot.raise_generations(dict(publication.generations(tx, scopes=named["generation"])))


def _owner(job: Job) -> Owner:
    tenant, space = job.payload["tenant_id"], job.payload["space_id"]
    return Owner(UUID(job.payload["organization_id"]), tenant and UUID(tenant), space and UUID(space))


def _there(pairs: Iterable[tuple[str, publication.Record | None]]) -> dict[str, publication.Record]:
    return {name: record for name, record in pairs if record is not None}
