"""Tiers: how lately each variant was asked for, told by its row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mezzotint.data import variants

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.services.work import Payload

AT_ONCE = 10_000
PATIENCE = 60.0
"""Seconds that one look at all variants may take."""


class Tiers:
    """Cools what nobody asks for: hot until `warm_after` seconds, cold from `cold_after`, warm between."""

    def __init__(self, database: Database, *, warm_after: float, cold_after: float) -> None:
        self._database = database
        self._warm_after = warm_after
        self._cold_after = cold_after

    def settle(self, _: Payload) -> Payload:
        """Bring rows up to date, a part at a time: a chore. What is asked for is hot again at once, by its count."""
        with self._database.operator(statement_timeout=PATIENCE) as tx:
            moved = variants.settle_tiers(tx, warm_after=self._warm_after, cold_after=self._cold_after, limit=AT_ONCE)
        return {"again": True} if moved == AT_ONCE else {}
