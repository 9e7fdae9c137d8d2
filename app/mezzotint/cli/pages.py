"""Lists to their end: the services give a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from uuid import UUID

Item = TypeVar("Item")
SIZE = 500


def every(page: Callable[[UUID | None, int], Sequence[Item]], identify: Callable[[Item], UUID]) -> Iterator[Item]:
    """All items; `page` takes the last identifier seen, and how many to give."""
    after = None
    while items := page(after, SIZE):
        yield from items
        after = identify(items[-1])
