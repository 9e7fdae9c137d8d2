"""Whether the parts that misses need are there: each with its state and latency."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mezzotint.model.errors import Unavailable
from mezzotint.plugin_api import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Health:
    """One part's state; `latency_ms` is how long it took to say so, `problem` what is wrong with it."""

    part: str
    ok: bool
    latency_ms: float
    problem: str | None = None


class Readiness:
    """Asks each part in turn."""

    def __init__(self, checks: Mapping[str, Callable[[], object]]) -> None:
        self._checks = checks

    def look(self) -> list[Health]:
        """The state of every part, in the order given."""
        return [_look(part, check) for part, check in self._checks.items()]


def _look(part: str, check: Callable[[], object]) -> Health:
    started = time.perf_counter()
    problem = None
    try:
        check()
    except (Unavailable, StoreUnavailable) as away:
        problem = str(away)
    return Health(part, problem is None, round((time.perf_counter() - started) * 1000, 2), problem)
