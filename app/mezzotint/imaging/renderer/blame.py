"""Whose doing it is that a job took too long: the picture's, or the machine's, which had no time for it."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_OWN_SHARE = 1 / 2
"""of the time since it began that a job computed: then it was its own to lose"""

_LOOKS, _LOOK_SECONDS = 5, 0.002
"""One that waits in a loop is awake for moments."""


class Begun(NamedTuple):
    """When a process began with a job, in seconds, and how many all its threads had computed by then."""

    moment: float
    computed: float

    def used_its_time(self, moment: float, computed: float) -> bool:
        """Whether the job computed for most of the time until `moment`."""
        return computed - self.computed >= (moment - self.moment) * _OWN_SHARE


def sleeps(pid: int) -> bool:
    """Whether none of the process's threads wants to compute: it waits for nothing but itself, or for nothing at all.

    One that nobody lets compute does want to.
    """
    for _ in range(_LOOKS):
        with suppress(OSError):
            if not any(_state(thread) in ("R", "D") for thread in Path(f"/proc/{pid}/task").iterdir()):
                return True
        time.sleep(_LOOK_SECONDS)
    return False


def _state(thread: Path) -> str:
    with suppress(FileNotFoundError):  # it has ended
        # The name before it may hold anything, blanks and parentheses included.
        return (thread / "stat").read_text(errors="replace").rpartition(") ")[2][:1]
    return ""
