"""Uploads on their way in: written to a private file as they arrive, counted and hashed while they do."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from mezzotint.model.errors import UploadTooLarge

ABANDONED_AFTER = 3600
"""Seconds without a write after which a file belongs to a process that is gone."""


class Incoming:
    """One upload being received; a context manager, since the file goes when it closes."""

    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        self.path = Path(name)
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = os.fdopen(descriptor, "wb")

    def write(self, chunk: bytes, *, limit: int) -> None:
        """Add `chunk`. Raises UploadTooLarge when the whole would have more than `limit` bytes."""
        self.size += len(chunk)
        if self.size > limit:
            raise UploadTooLarge(f"an upload has at most {limit:,} bytes here", field="file")
        self._hash.update(chunk)
        self._file.write(chunk)

    def finish(self) -> None:
        """Everything has arrived: others may read the file now."""
        self._file.close()

    @property
    def sha256(self) -> str:
        """The hash of what has arrived, in hex."""
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class Spool:
    """The folder of uploads that are being received."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder, and clears away what processes that died have left in it."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        abandoned = time.time() - ABANDONED_AFTER
        for path in folder.iterdir():
            if path.stat().st_mtime < abandoned:
                path.unlink(missing_ok=True)

    def receive(self) -> Incoming:
        """A new, empty file to write an upload to."""
        return Incoming(self._folder)
