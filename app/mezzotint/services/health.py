"""Whether the parts that misses need are there: each with its state and latency."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Thread

from mezzotint.breaker import Breaker, State
from mezzotint.model.errors import Unavailable
from mezzotint.plugin_api import StoreUnavailable

PATIENCE = 5.0
"""Seconds after which a part that has not answered is told of as silent."""


@dataclass(frozen=True, slots=True)
class Health:
    """One part's state: `latency_ms` is how long it took to say so, `problem` what is wrong with it.

    `breaker` tells whether others are let to it.
    """

    part: str
    ok: bool
    latency_ms: float
    breaker: State
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """How to ask one part, and the breakers in front of it."""

    ask: Callable[[], object]
    breakers: Sequence[Breaker]

    @property
    def state(self) -> State:
        """The least open-handed one."""
        states = {breaker.state for breaker in self.breakers}
        return next(state for state in (State.OPEN, State.HALF_OPEN, State.CLOSED) if state in states)


class Readiness:
    """Asks all parts at the same time, so that one that hangs hides no other."""

    def __init__(self, checks: Mapping[str, Check], *, patience: float = PATIENCE) -> None:
        self._checks = checks
        self._patience = patience

    def look(self) -> list[Health]:
        """The state of every part, in the order given; takes no longer than the patience (seconds)."""
        found: dict[str, Health] = {}

        def look(part: str, check: Check) -> None:
            found[part] = _look(part, check)

        threads = [Thread(target=look, args=each, daemon=True) for each in self._checks.items()]
        end = time.monotonic() + self._patience
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return [found.get(part) or self._silent(part, check) for part, check in self._checks.items()]

    def _silent(self, part: str, check: Check) -> Health:
        return Health(part, ok=False, latency_ms=self._patience * 1000, breaker=check.state, problem="does not answer")


def _look(part: str, check: Check) -> Health:
    started = time.perf_counter()
    problem = None
    try:
        check.ask()
    except (Unavailable, StoreUnavailable) as away:
        problem = str(away)
    latency_ms = round((time.perf_counter() - started) * 1000, 2)
    return Health(part, problem is None, latency_ms, check.state, problem)
