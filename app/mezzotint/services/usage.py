"""How often variants are asked for: counted in memory, written in batches, never in the way of an answer."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from threading import Event, Lock
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from mezzotint.data import usage, variants
from mezzotint.model.errors import Unavailable
from mezzotint.model.tenancy import Scope
from mezzotint.services.reach import exact_level, reading

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.services.caller import Caller
    from mezzotint.services.deliver import Answer

log = structlog.get_logger(__name__)

EVERY = 10.0
"""Seconds between two writes."""
USUAL = timedelta(days=29)
"""before the last day, where nobody says since when"""


class Usage:
    """Counts deliveries: `requests` and `bytes` of each space, and the accesses of each variant; tells the sums."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._variants: Counter[UUID] = Counter()
        self._spaces: Counter[tuple[Scope, UUID, str]] = Counter()

    def count(self, answer: Answer) -> None:
        """Count one answered delivery."""
        place = answer.place
        scope = Scope(place.organization_id, place.tenant_id)
        with self._lock:
            if answer.variant_id is not None:
                self._variants[answer.variant_id] += 1
            self._spaces[scope, place.space_id, "requests"] += 1
            self._spaces[scope, place.space_id, "bytes"] += answer.size

    def flush(self) -> None:
        """Write what was counted; what can't be written now is kept for the next time."""
        with self._lock:
            hits, self._variants = self._variants, Counter()
            totals, self._spaces = self._spaces, Counter()
        try:
            if hits:
                with self._database.operator() as tx:
                    variants.touch(tx, hits)
                hits = Counter()
            for (scope, space_id, metric), amount in list(totals.items()):
                with self._database.scoped(scope) as tx:
                    usage.add(tx, space_id, metric, amount)
                del totals[scope, space_id, metric]
        except Unavailable as problem:
            log.warning("usage_not_written", problem=str(problem))
            with self._lock:
                self._variants += hits
                self._spaces += totals

    def totals(
        self, caller: Caller, organization: str, tenant: str, space: str | None = None,
        *, since: date | None = None, until: date | None = None,
    ) -> dict[str, int]:  # fmt: skip
        """The sum of each metric from `since` to `until` (UTC, both included), by default over the last 30 days.

        Raises NotFound.
        """
        until = until or datetime.now(UTC).date()
        with reading(self._database, caller) as tx:
            level = exact_level(tx, caller, organization, tenant, space)
        with self._database.scoped(level.scope) as tx:
            return usage.totals(tx, since=since or until - USUAL, until=until, space_id=level.owner.space_id)

    def loop(self, stop: Event) -> None:
        """Flush every so often until `stop` is set, and once more then."""
        while not stop.wait(EVERY):
            self.flush()
        self.flush()
