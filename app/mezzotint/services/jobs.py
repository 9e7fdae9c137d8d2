"""The operator's view of background work."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from mezzotint.data import jobs
from mezzotint.data.postgres import Database
from mezzotint.model.job import Job, JobState


class Jobs:
    """Shows jobs, and decides about those that were given up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, state: JobState | None = None, *, limit: int = 100) -> list[Job]:
        """Jobs in this state or (None) in any, oldest first."""
        with self._database.operator() as tx:
            return jobs.page(tx, state, limit=limit)

    def retry(self, identifiers: Collection[UUID] | None = None) -> int:
        """Try failed jobs, or (None) all of them, from the beginning again; says how many."""
        with self._database.operator() as tx:
            return jobs.retry(tx, identifiers)

    def drop(self, identifiers: Collection[UUID]) -> int:
        """Give failed jobs up for good; says how many."""
        with self._database.operator() as tx:
            return jobs.drop(tx, identifiers)
