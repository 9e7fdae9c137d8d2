"""Circuit breakers: a part that does not answer is tried by one caller now and then, instead of by everyone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Lock

log = logging.getLogger(__name__)

FAILURES = 3
PAUSE = 2.0
_PROBE_SECONDS = 10.0
"""after which a probe that has not come back is given up, and the next caller is one"""


class State(StrEnum):
    """Closed: all pass. Open: none does. Half-open: one may, or is, trying."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Counts what goes wrong with one part. Safe among threads and greenlets, and holds no lock while they wait.

    `trouble` are the errors that say that the part does not answer; any other outcome says that it does. `failures` in
    a row open the breaker; after `pause` seconds one caller is let through, and how that ends closes it or opens it
    anew. `refusal` makes the error that the others get from the reason it is handed.
    """

    def __init__(
        self, part: str, *, trouble: type[Exception] | tuple[type[Exception], ...], refusal: Callable[[str], Exception],
        failures: int = FAILURES, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.part = part
        self._trouble = trouble
        self._refusal = refusal
        self._most = failures
        self._pause = pause
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._probing = False
        self._try_at: float | None = None
        """when the next caller may try; None: the breaker is closed"""

    @property
    def state(self) -> State:
        with self._lock:
            if self._try_at is None:
                return State.CLOSED
            return State.HALF_OPEN if self._probing or self._clock() >= self._try_at else State.OPEN

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one use of the part. Raises the refusal at once while the breaker is open."""
        self._enter()
        try:
            yield
        except self._trouble:
            self._failed()
            raise
        except Exception:
            self._answered()
            raise
        self._answered()

    def _enter(self) -> None:
        with self._lock:
            if self._try_at is None:
                return
            if self._clock() < self._try_at:
                raise self._refusal(f"{self.part} did not answer lately")
            self._probing = True
            self._try_at = self._clock() + _PROBE_SECONDS

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            opened = self._try_at is None and self._failures >= self._most
            if opened or self._try_at is not None:
                self._probing = False
                self._try_at = self._clock() + self._pause
        if opened:
            log.warning("%s does not answer: breaker open", self.part)

    def _answered(self) -> None:
        with self._lock:
            closed = self._try_at is not None
            self._failures, self._probing, self._try_at = 0, False, None
        if closed:
            log.warning("%s answers again: breaker closed", self.part)
