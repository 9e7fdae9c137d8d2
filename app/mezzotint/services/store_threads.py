"""A store that waits for disks, called from threads, so that an event loop goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial, wraps
from itertools import islice
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from mezzotint.plugin_api import Storage, StoredObject

Aside = Callable[[Callable[[], Any]], Any]
"""Has work done in a thread, and returns or raises what it does; nobody but the caller waits."""

_LISTED_AT_ONCE = 1000


class _Threaded:
    """Has whatever the storage has; each call of a method runs aside."""

    def __init__(self, storage: Storage, aside: Aside) -> None:
        self._storage = storage
        self._aside = aside

    def fetch_path(self, key: str) -> str | None:
        return self._storage.fetch_path(key)  # which waits for nothing

    def open(self, key: str) -> _Stream:
        return _Stream(self._aside(partial(self._storage.open, key)), self._aside)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        found = self._storage.list(prefix, after=after)
        while page := self._aside(lambda: tuple(islice(found, _LISTED_AT_ONCE))):
            yield from page

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._storage, name)
        if not callable(attribute):
            return attribute

        @wraps(attribute)
        def elsewhere(*args: Any, **options: Any) -> Any:
            return self._aside(partial(attribute, *args, **options))

        setattr(self, name, elsewhere)
        return elsewhere


class _Stream:
    """An opened object; each read of it runs aside."""

    def __init__(self, opened: AbstractContextManager[BinaryIO], aside: Aside) -> None:
        self._opened = opened
        self._aside = aside

    def __enter__(self) -> Self:
        self._stream = self._opened.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._opened.__exit__(kind, error, trace)

    def read(self, size: int = -1) -> bytes:
        return cast(bytes, self._aside(partial(self._stream.read, size)))


def threaded(storage: Storage, aside: Aside) -> Storage:
    """The same storage, its calls run by `aside`."""
    return cast(Storage, _Threaded(storage, aside))
