"""Originals brought near: a bounded folder of files from stores, since decoders want a seekable file."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast
from weakref import WeakValueDictionary

from mezzotint.plugin_api import Storage

_IN_USE_SECONDS = 120
"""A file asked for this recently may be read right now, so it stays whatever the bound says."""

_UNUSED_SECONDS = 86_400
"""Then what it was copied from may be gone."""


class Sources:
    """Copies of stored objects, and of what is in them, in `folder`. What was not used for a day goes, and beyond
    `most_bytes` whatever was not used the longest.

    Any number of processes may share the folder: a file appears whole, and its modification time says when it was
    last asked for. Objects never change under their key, so a copy is never stale.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._locks: WeakValueDictionary[str, _Lock] = WeakValueDictionary()

    def get(self, store: str, key: str, storage: Storage) -> Path:
        """The object `key` of the store called `store` as a file. Raises ObjectNotFound, StoreUnavailable."""

        def fetch(file: BinaryIO) -> None:
            with storage.open(key) as stream:
                shutil.copyfileobj(stream, file, 1024 * 1024)

        return self.keep(f"{store}/{key}", fetch)

    def keep(self, name: str, write: Callable[[BinaryIO], None]) -> Path:
        """The file kept as `name`, made by `write` when there is none. Raises OSError, and what `write` raises."""
        found = self.find(name)
        if found is not None:
            return found
        mine = self._locks.setdefault(name, _Lock())
        with mine.lock:  # the first of many makes it for all
            found = self.find(name)
            if found is None:
                found = self._path(name)
                self._fill(found, write)
                self.tidy()
        return found

    def find(self, name: str) -> Path | None:
        """The file kept as `name`, if there is one."""
        path = self._path(name)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def _path(self, name: str) -> Path:
        return self._folder / hashlib.sha256(name.encode()).hexdigest()

    def _fill(self, path: Path, write: Callable[[BinaryIO], None]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            partial = Path(file.name)
            try:
                write(cast("BinaryIO", file))
                file.flush()
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise

    def tidy(self) -> None:
        """Let go what was not used for a day, and what there is no room for."""
        files = sorted(self._files(), key=lambda file: file[1])
        used = sum(size for _, _, size in files)
        now = time.time()
        for path, modified, size in files:
            oldest = now - (_IN_USE_SECONDS if used > self._most_bytes else _UNUSED_SECONDS)
            if modified > oldest:
                return
            path.unlink(missing_ok=True)
            used -= size

    def _files(self) -> list[tuple[Path, float, int]]:
        found: list[tuple[Path, float, int]] = []
        if not self._folder.exists():
            return found
        with os.scandir(self._folder) as entries:
            for entry in entries:
                try:
                    facts = entry.stat()
                except FileNotFoundError:  # another process was quicker
                    continue
                found.append((Path(entry.path), facts.st_mtime, facts.st_size))
        return found


class _Lock:
    """One that can be forgotten."""

    def __init__(self) -> None:
        self.lock = Lock()
