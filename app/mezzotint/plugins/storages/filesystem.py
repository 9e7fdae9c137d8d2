"""Objects as files below one folder, on a disk of this machine or on a mount that all machines share."""

from __future__ import annotations

import errno
import mimetypes
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from mezzotint.plugin_api import ObjectNotFound, Storage, StoredObject, StoreUnavailable, check_key

_STAGING = "~staging"  # no key can have this name, so nothing staged is ever visible
_TYPE = "user.mime_type"  # the attribute that desktops and web servers share
_BLOCK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Filesystem(Storage):
    """Files of mode 0600 in folders of mode 0700 below `folder`, which is made when absent, once.

    An object appears in one step, whole and synced: it is staged beside the others, then renamed or linked. Its content
    type is an extended attribute of the file, so it appears in the same step; where the disk has none, the key's
    extension tells. Keys should fan out over folders: listing holds the names of one folder at a time.
    """

    kind = "filesystem"
    blocking = True

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).absolute()
        self._staging = self._folder / _STAGING
        self._made = False
        with suppress(StoreUnavailable):  # away just now: the first to write or to check tries again
            self._make()

    def put(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> StoredObject:
        with self._staged(key, stream, size, content_type) as (staged, parent):
            os.replace(staged, _name(key), dst_dir_fd=parent)
        return self.stat(key)

    def put_if_absent(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> bool:
        with self._staged(key, stream, size, content_type) as (staged, parent):
            try:
                os.link(staged, _name(key), dst_dir_fd=parent)
            except FileExistsError:
                return False
        return True

    def get(self, key: str) -> bytes:
        with self._file(key) as file, self._available():
            return file.read()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        if start < 0 or length < 0:
            raise ValueError("a range can't be negative")
        with self._file(key) as file, self._available():
            file.seek(start)
            return file.read(length)

    def open(self, key: str) -> BinaryIO:
        return self._file(key)

    def stat(self, key: str) -> StoredObject:
        with self._file(key) as file, self._available():
            return _described(key, file.fileno(), os.fstat(file.fileno()))

    def delete(self, key: str) -> None:
        with suppress(ObjectNotFound), self._present(key), self._parent(check_key(key)) as parent:
            os.unlink(_name(key), dir_fd=parent)
            os.fsync(parent)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        with self._available():
            yield from _walk(str(self._folder), "", prefix, after)
            self._staging.stat()  # a disk that is away must not look like one that holds little

    def local_path(self, key: str) -> Path:
        self._file(key).close()
        return self._folder / key

    @property
    def base_url(self) -> str:
        return f"file://{self._folder}"

    def fetch_path(self, key: str) -> str:
        return f"/{check_key(key)}"

    def sweep(self, before: datetime) -> int:
        swept = 0
        with self._available():
            for staged in self._staging.iterdir():
                with suppress(FileNotFoundError):  # it ended well meanwhile
                    if staged.stat().st_mtime < before.timestamp():
                        staged.unlink()
                        swept += 1
        return swept

    def check(self) -> None:
        """That the folder is mounted and can be written; a full disk still serves what it holds."""
        self._make()
        with self._available(), tempfile.TemporaryFile(dir=self._staging):
            pass

    @contextmanager
    def _staged(self, key: str, stream: BinaryIO, size: int, content_type: str) -> Iterator[tuple[Path, int]]:
        """A synced file that holds the object, and the folder to place it in, which is synced in turn."""
        check_key(key)
        self._make()
        staged = self._staging / secrets.token_hex(16)
        try:
            with self._available():
                descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode=0o600)
            with FileIO(descriptor, "w") as file:
                self._copy(stream, file, size)
                with self._available():
                    with suppress(OSError):
                        os.setxattr(descriptor, _TYPE, content_type.encode())
                    os.fsync(descriptor)
            with self._available(), self._parent(key, create=True) as parent:
                try:
                    yield staged, parent
                finally:
                    os.fsync(parent)  # who hears that an object was there already relies on it no less
        finally:
            with suppress(OSError):  # what can't be removed now is swept later
                staged.unlink(missing_ok=True)

    def _copy(self, stream: BinaryIO, file: FileIO, size: int) -> None:
        left = size
        while left:
            block = memoryview(stream.read(min(left, _BLOCK)))
            if not block:
                raise ValueError(f"the stream ended {left} bytes before its {size}")
            left -= len(block)
            with self._available():  # around our own writes alone: what the stream raises is not the store's fault
                while block:
                    block = block[file.write(block) :]

    @contextmanager
    def _parent(self, key: str, *, create: bool = False) -> Iterator[int]:
        """The folder that holds the object, opened step by step so that no symbolic link leads out of ours."""
        parent = os.open(self._folder, _FOLDER)
        try:
            for name in key.split("/")[:-1]:
                if create:
                    _make_folder(name, parent)
                inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
                os.close(parent)
                parent = inner
            yield parent
        finally:
            os.close(parent)

    def _file(self, key: str) -> BinaryIO:
        with self._present(key), self._parent(check_key(key)) as parent:
            return open(_name(key), "rb", opener=partial(_open_beside, parent))

    @contextmanager
    def _present(self, key: str) -> Iterator[None]:
        """Whatever is no file reached through folders is no object, as long as the store itself is there."""
        with self._available():
            try:
                yield
            except OSError as error:
                if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}:
                    raise
                self._staging.stat()  # an unmounted disk must not look like one that lost its objects
                raise ObjectNotFound(key) from None

    @contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(f"{self._folder}: {error.strerror}") from error

    def _make(self) -> None:
        """Once only: a folder that was there and is gone is an unmounted disk, not a new store."""
        if not self._made:
            with self._available():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._staging.mkdir(mode=0o700, exist_ok=True)
            self._made = True


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _make_folder(name: str, parent: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
        os.fsync(parent)


def _open_beside(parent: int, name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW, dir_fd=parent)


def _described(key: str, file: int | str, status: os.stat_result) -> StoredObject:
    try:
        content_type = os.getxattr(file, _TYPE).decode()
    except OSError:
        content_type = mimetypes.guess_type(key)[0] or "application/octet-stream"
    return StoredObject(key, status.st_size, content_type, datetime.fromtimestamp(status.st_mtime, UTC))


def _walk(folder: str, above: str, prefix: str, after: str) -> Iterator[StoredObject]:
    """Objects below `folder`, whose keys begin with `above`, by key."""
    with os.scandir(folder) as entries:
        # A folder sorts by the slash that follows its name in keys: `a-b`, then `a/b`, then `ab`.
        found = {above + entry.name + "/" * entry.is_dir(follow_symlinks=False): entry for entry in entries}
    for key in sorted(found):
        entry = found[key]
        with suppress(FileNotFoundError, ValueError):  # deleted meanwhile; no key
            check_key(key.removesuffix("/"))
            if key.endswith("/"):
                wanted = key.startswith(prefix) or prefix.startswith(key)
                if wanted and (key > after or after.startswith(key)):
                    yield from _walk(entry.path, key, prefix, after)
            elif key.startswith(prefix) and key > after and entry.is_file(follow_symlinks=False):
                yield _described(key, entry.path, entry.stat(follow_symlinks=False))
