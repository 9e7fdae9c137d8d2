"""Originals brought near: a bounded folder of files from stores, since decoders want a seekable file."""

from __future__ import annotations

import hashlib
import io
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast
from uuid import uuid4
from weakref import WeakValueDictionary

from mezzotint.plugin_api import Storage, StoreUnavailable

_READ_SECONDS = 120
"""A file asked for this recently may be read right now, so it stays whatever the bound says."""

_UNUSED_SECONDS = 86_400
"""Then what it was copied from may be gone."""

_BLOCK = 1024 * 1024
_PARTIAL = "partial-"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Sources:
    """Copies of stored objects, and of what is in them, in `folder`. What was not used for a day goes, and beyond
    `most_bytes` whatever was not used the longest, but for what was asked for less than `read_seconds` ago.

    Any number of processes may share the folder: a file appears whole, and its modification time says when it was
    last asked for. Objects never change under their key, so a copy is never stale. What another run of the machine left
    behind is not found: a power cut may have taken a part of it.
    """

    def __init__(self, folder: Path, most_bytes: int, read_seconds: float = _READ_SECONDS) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._read_seconds = read_seconds
        self._run = _run_of_the_machine()
        self._locks: WeakValueDictionary[str, _Lock] = WeakValueDictionary()

    def get(self, store: str, key: str, storage: Storage, until: float = math.inf) -> Path:
        """The object `key` of the store called `store` as a file. Raises ObjectNotFound, and StoreUnavailable:
        that too when it is not here at the moment `until`, as time.monotonic() counts.
        """

        def fetch(file: BinaryIO) -> None:
            with storage.open(key) as stream:
                _copy(stream, file, until)

        try:
            return self.keep(f"{store}/{key}", fetch, until)
        except TimeoutError as problem:
            raise StoreUnavailable(f"{store} brings {key} too slowly") from problem

    def keep(self, name: str, write: Callable[[BinaryIO], None], until: float = math.inf) -> Path:
        """The file kept as `name`, made by `write` when there is none. Raises OSError, and what `write` raises;
        TimeoutError when another is still at it at the moment `until`.
        """
        path = self._path(name)
        if not _touch(path):
            patience = -1 if until == math.inf else max(0.0, until - time.monotonic())
            with self.alone(name, patience) as alone:  # the first of many makes it for all
                if not _touch(path):
                    if not alone:
                        raise TimeoutError
                    self.make(name, write)
        return path

    def has(self, name: str) -> bool:
        """Whether there is a file kept as `name`."""
        return self._path(name).exists()

    def open(self, name: str) -> BinaryIO | None:
        """The file kept as `name`, None when none can be read. Whoever has it open reads it for as long as he likes."""
        path = self._path(name)
        try:
            file = io.FileIO(path)
        except OSError:
            return None
        _touch(path)
        return file

    @contextmanager
    def alone(self, name: str, patience: float = -1) -> Iterator[bool]:
        """Whether nobody else in this process is at `name`, once the others were waited for, `patience` seconds at most
        if it is not negative.
        """
        mine = self._locks.setdefault(name, _Lock())
        acquired = mine.lock.acquire(timeout=patience)
        try:
            yield acquired
        finally:
            if acquired:
                mine.lock.release()

    def make(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """Let `write` make the file kept as `name`. Raises OSError, and what `write` raises; then there is none."""
        self._fill(self._path(name), write)
        self.tidy()

    def drop(self, name: str) -> None:
        """Keep nothing as `name`."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / hashlib.sha256(f"{self._run}{name}".encode()).hexdigest()

    def _fill(self, path: Path, write: Callable[[BinaryIO], None]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=_PARTIAL, delete=False) as file:
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
            crowded = used > self._most_bytes and not path.name.startswith(_PARTIAL)
            if modified <= now - (self._read_seconds if crowded else _UNUSED_SECONDS):
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


def _run_of_the_machine() -> str:
    """A name that every process finds until the machine starts anew."""
    try:
        return _BOOT.read_text()
    except OSError:  # then what this process keeps is found by nobody else
        return uuid4().hex


def _copy(stream: BinaryIO, file: BinaryIO, until: float) -> None:
    """Raises TimeoutError once the moment `until` has passed: whoever sends drop by drop is never silent for long."""
    read = getattr(stream, "read1", stream.read)  # what there is; a raw stream's `read` does not wait for more either
    while block := read(_BLOCK):
        file.write(block)
        if time.monotonic() > until:
            raise TimeoutError


def _touch(path: Path) -> bool:
    """Note that the file was asked for just now; False when there is none."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


class _Lock:
    """One that can be forgotten."""

    def __init__(self) -> None:
        self.lock = Lock()
