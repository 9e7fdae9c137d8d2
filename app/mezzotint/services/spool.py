"""Uploads on their way in: written to a private file as they arrive, counted and hashed while they do."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mezzotint.model.errors import UploadTooLarge

ABANDONED_AFTER = 3600
"""Seconds without a write after which a file belongs to a process that is gone."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived whole: where it lies, how many bytes it has, and their SHA-256 in hex."""

    path: Path
    size: int
    sha256: str


class Incoming:
    """One upload being received; a context manager, since the file goes when it closes."""

    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        self._path = Path(name)
        self._size = 0
        self._hash = hashlib.sha256()
        self._file = os.fdopen(descriptor, "wb")

    def write(self, chunk: bytes, *, limit: int) -> None:
        """Add `chunk`. Raises UploadTooLarge when the whole would have more than `limit` bytes."""
        self._size += len(chunk)
        if self._size > limit:
            raise UploadTooLarge(f"an upload has at most {limit:,} bytes here", field="file")
        self._hash.update(chunk)
        self._file.write(chunk)

    @property
    def received(self) -> Received:
        """What has arrived, on disk for others to read."""
        self._file.flush()
        return Received(self._path, self._size, self._hash.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class Spool:
    """The uploads that are being received, in a folder of their own within `folder`."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder, and clears it."""
        self._folder = folder / "uploads"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.clear()

    def clear(self) -> None:
        """Take away what processes that died have left."""
        abandoned = time.time() - ABANDONED_AFTER
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # it ended by itself this moment
                if path.stat().st_mtime < abandoned:
                    path.unlink()

    def receive(self) -> Incoming:
        """A new, empty file to write an upload to."""
        return Incoming(self._folder)
