"""Whose doing it is that a job took too long: the picture's, or the machine's, which had no time for it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_OWN_SHARE = 1 / 2
"""of the time that a job had in which it computed: then it was its own to lose"""
_PLENTY = 5.0
"""seconds of computing, which are more than any healthy picture takes, however little of the time they were"""


def used_its_time(computed: float, had: float) -> bool:
    """Whether a job that `computed` so many seconds, on all its threads, of those that it `had` made use of them."""
    return computed >= min(had * _OWN_SHARE, _PLENTY)


def sleeps(pid: int) -> bool:
    """Whether at this moment none of the process's threads wants to compute: it waits, for itself or for nothing.

    One that nobody lets compute does want to.
    """
    with suppress(OSError):
        return not any(_state(thread) in ("R", "D") for thread in Path(f"/proc/{pid}/task").iterdir())
    return False


def _state(thread: Path) -> str:
    with suppress(FileNotFoundError):  # it has ended
        # The name before it may hold anything, blanks and parentheses included.
        return (thread / "stat").read_text(errors="replace").rpartition(") ")[2][:1]
    return ""
