"""A store that waits for disks, called from threads, so that an event loop goes on meanwhile.

A disk may hang, as a share does whose server is gone. Nobody can call a thread back from that; who waits for it gives
up and leaves it behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial, wraps
from itertools import islice
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from mezzotint.plugin_api import Storage, StoredObject, StoreUnavailable

Aside = Callable[[Callable[[], Any], float], Any]
"""Has work done in a thread, and returns or raises what it does; nobody but the caller waits. Raises TimeoutError after
so many seconds, and the thread goes on.
"""

PATIENCE = 10.0
"""Seconds that a disk may take for one call, beside what its bytes take."""
_SLOWEST = 4 << 20
"""Bytes that any disk writes in a second."""

_LISTED_AT_ONCE = 1000


class _Threaded:
    """Has whatever the storage has; each call of a method runs aside, and raises StoreUnavailable past its time."""

    def __init__(self, storage: Storage, aside: Aside) -> None:
        self._storage = storage
        self._aside = aside

    def fetch_path(self, key: str) -> str | None:
        return self._storage.fetch_path(key)  # which waits for nothing

    def open(self, key: str) -> _Stream:
        return _Stream(_wait(self._aside, partial(self._storage.open, key)), self._aside)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        found = self._storage.list(prefix, after=after)
        while page := _wait(self._aside, lambda: tuple(islice(found, _LISTED_AT_ONCE))):
            yield from page

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._storage, name)
        if not callable(attribute):
            return attribute

        @wraps(attribute)
        def elsewhere(*args: Any, **options: Any) -> Any:
            return _wait(self._aside, partial(attribute, *args, **options), size=options.get("size", 0))

        setattr(self, name, elsewhere)
        return elsewhere


class _Stream:
    """An opened object; each read of it runs aside."""

    def __init__(self, opened: AbstractContextManager[BinaryIO], aside: Aside) -> None:
        self._opened = opened
        self._aside = aside
        self._reading = False

    def __enter__(self) -> Self:
        self._stream = self._opened.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if self._reading:  # in a thread that was left behind, and whose end closing would wait for
            return None
        return self._opened.__exit__(kind, error, trace)

    def read(self, size: int = -1) -> bytes:
        return cast(bytes, _wait(self._aside, partial(self._read, size)))

    def _read(self, size: int) -> bytes:
        self._reading = True
        try:
            return self._stream.read(size)
        finally:
            self._reading = False


def _wait(aside: Aside, work: Callable[[], Any], size: int = 0) -> Any:
    try:
        return aside(work, PATIENCE + size / _SLOWEST)
    except TimeoutError as late:
        raise StoreUnavailable(f"the disk does not answer: {late}") from late


def threaded(storage: Storage, aside: Aside) -> Storage:
    """The same storage, its calls run by `aside`."""
    return cast(Storage, _Threaded(storage, aside))
