"""A store behind circuit breakers: while it does not answer, most of its callers hear so at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, cast

from mezzotint.breaker import Breaker, State
from mezzotint.plugin_api import Storage, StoredObject, StoreUnavailable

_WRITING = frozenset({"put", "put_if_absent", "delete", "sweep"})
_UNASKED = frozenset({"presigned_get", "presigned_put"})
"""What is answered without asking the store, and so says nothing of it."""


class _Guarded:
    """Has whatever the storage has; whatever asks the store passes a breaker.

    Writing has one of its own: a full disk refuses every write, and still serves what it holds.
    """

    def __init__(self, storage: Storage, reading: Breaker, writing: Breaker) -> None:
        self._storage = storage
        self._reading = reading
        self._writing = writing

    def fetch_path(self, key: str) -> str | None:
        """None as well while there is trouble: who fetches by himself could not tell us that it is over."""
        return self._storage.fetch_path(key) if self._reading.state is State.CLOSED else None

    def check(self) -> None:
        with self._reading.guard():
            self._storage.check()
        if self._writing.state is State.HALF_OPEN:
            with self._writing.guard():
                pass  # a store that is well again may be written to, even where nobody has tried yet

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        with ExitStack() as opened:
            with self._reading.guard():  # around the opening alone: a reader may take his time
                stream = opened.enter_context(self._storage.open(key))
            yield stream

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        found = self._storage.list(prefix, after=after)
        while True:
            with self._reading.guard():
                each = next(found, None)
            if each is None:
                return
            yield each

    def local_path(self, key: str) -> Path | None:
        if not self._storage.blocking:
            return self._storage.local_path(key)  # it has no disk to look at
        with self._reading.guard():
            return self._storage.local_path(key)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._storage, name)
        if not callable(attribute) or name in _UNASKED:
            return attribute
        breaker = self._writing if name in _WRITING else self._reading

        @wraps(attribute)
        def guarded(*args: Any, **options: Any) -> Any:
            with breaker.guard():
                return attribute(*args, **options)

        setattr(self, name, guarded)
        return guarded


def guarded(name: str, storage: Storage) -> tuple[Storage, tuple[Breaker, Breaker]]:
    """The storage of the store called `name`, and its breakers: for reading and for writing."""
    reading, writing = (
        Breaker(f"{what} of the store {name}", trouble=StoreUnavailable, refusal=StoreUnavailable)
        for what in ("reading", "writing")
    )
    return cast(Storage, _Guarded(storage, reading, writing)), (reading, writing)
