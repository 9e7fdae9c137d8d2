"""Objects in the memory of one process: for tests and experiments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import BinaryIO

from mezzotint.plugin_api import ObjectNotFound, Storage, StoredObject, check_key


class Memory(Storage):
    """Keeps everything until the process ends."""

    kind = "memory"

    def __init__(self) -> None:
        self._objects: dict[str, tuple[StoredObject, bytes]] = {}

    def put(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> StoredObject:
        made = _made(key, stream, size, content_type)
        self._objects[key] = made
        return made[0]

    def put_if_absent(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> bool:
        made = _made(key, stream, size, content_type)
        return self._objects.setdefault(key, made) is made

    def get(self, key: str) -> bytes:
        return self._found(key)[1]

    def get_range(self, key: str, start: int, length: int) -> bytes:
        if start < 0 or length < 0:
            raise ValueError("a range can't be negative")
        return self.get(key)[start : start + length]

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        yield BytesIO(self.get(key))

    def stat(self, key: str) -> StoredObject:
        return self._found(key)[0]

    def delete(self, key: str) -> None:
        self._objects.pop(check_key(key), None)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        for key in sorted(key for key in tuple(self._objects) if key.startswith(prefix) and key > after):
            if found := self._objects.get(key):
                yield found[0]

    def check(self) -> None:
        """Always fine."""

    def _found(self, key: str) -> tuple[StoredObject, bytes]:
        try:
            return self._objects[check_key(key)]
        except KeyError:
            raise ObjectNotFound(key) from None


def _made(key: str, stream: BinaryIO, size: int, content_type: str) -> tuple[StoredObject, bytes]:
    check_key(key)
    content = bytearray()
    while len(content) < size:
        block = stream.read(size - len(content))
        if not block:
            raise ValueError(f"the stream ended {size - len(content)} bytes before its {size}")
        content += block
    return StoredObject(key, size, content_type, datetime.now(UTC)), bytes(content)
