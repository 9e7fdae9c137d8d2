"""Originals brought near."""

import io
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import BinaryIO, ClassVar

import pytest

from mezzotint.imaging import sources
from mezzotint.imaging.sources import Sources
from mezzotint.plugin_api import ObjectNotFound, StoreUnavailable


class Shelf:
    """Objects in memory that count how often they were asked for."""

    kind: ClassVar[str] = "shelf"

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.opened: list[str] = []

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        self.opened.append(key)
        if key not in self.objects:
            raise ObjectNotFound(key)
        return closing(io.BytesIO(self.objects[key]))


class Broken(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        raise StoreUnavailable("gone in the middle")


def test_an_object_is_fetched_once(tmp_path: Path) -> None:
    shelf = Shelf(a=b"picture")
    near = Sources(tmp_path / "sources", 100)
    first, second = near.get("originals", "a", shelf), near.get("originals", "a", shelf)
    assert first == second
    assert first.read_bytes() == b"picture"
    assert shelf.opened == ["a"]


def test_stores_do_not_mix(tmp_path: Path) -> None:
    near = Sources(tmp_path, 100)
    assert near.get("one", "a", Shelf(a=b"1")).read_bytes() == b"1"
    assert near.get("two", "a", Shelf(a=b"2")).read_bytes() == b"2"


def test_a_missing_object_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFound):
        Sources(tmp_path, 100).get("originals", "a", Shelf())
    assert list(tmp_path.iterdir()) == []


def test_a_broken_transfer_leaves_nothing(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.open = lambda _: closing(io.BufferedReader(Broken()))
    with pytest.raises(StoreUnavailable):
        Sources(tmp_path, 100).get("originals", "a", shelf)
    assert list(tmp_path.iterdir()) == []


class Drops(io.RawIOBase):
    """A stream that never ends and gives a byte at a time."""

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        into[:1] = b"x"
        return 1


@pytest.mark.parametrize("buffered", [True, False])
def test_what_comes_in_drops_is_not_waited_for(tmp_path: Path, *, buffered: bool) -> None:
    shelf, drops = Shelf(), Drops()
    shelf.open = lambda _: closing(io.BufferedReader(drops) if buffered else drops)
    with pytest.raises(StoreUnavailable, match="too slowly"):
        Sources(tmp_path, 100).get("originals", "a", shelf, time.monotonic() + 0.05)
    assert list(tmp_path.iterdir()) == []


def test_nor_is_another_who_waits_for_it(tmp_path: Path) -> None:
    near, shelf = Sources(tmp_path, 100), Shelf(a=b"picture")
    with near.alone("originals/a"):
        with ThreadPoolExecutor(1) as other, pytest.raises(StoreUnavailable, match="too slowly"):
            other.submit(near.get, "originals", "a", shelf, time.monotonic() + 0.05).result()
        assert shelf.opened == []
    assert near.get("originals", "a", shelf, time.monotonic() + 60).read_bytes() == b"picture"


def test_the_least_recently_used_goes(tmp_path: Path) -> None:
    shelf = Shelf(a=b"a" * 40, b=b"b" * 40, c=b"c" * 40)
    near = Sources(tmp_path, 100)
    a, b = near.get("s", "a", shelf), near.get("s", "b", shelf)
    long_ago = a.stat().st_mtime - 1200
    os.utime(a, (long_ago + 1, long_ago + 1))
    os.utime(b, (long_ago, long_ago))
    c = near.get("s", "c", shelf)
    assert (a.exists(), b.exists(), c.exists()) == (True, False, True)
    assert near.get("s", "a", shelf) == a
    assert a.stat().st_mtime > long_ago + 2


def test_what_was_not_used_for_a_day_goes_however_much_room_there_is(tmp_path: Path) -> None:
    shelf = Shelf(a=b"a", b=b"b", c=b"c")
    near = Sources(tmp_path, 100)
    a, b = near.get("s", "a", shelf), near.get("s", "b", shelf)
    now = time.time()
    os.utime(a, (now, now - 90_000))
    os.utime(b, (now, now - 80_000))
    near.get("s", "c", shelf)
    assert (a.exists(), b.exists()) == (False, True)


def test_a_file_in_use_stays(tmp_path: Path) -> None:
    shelf = Shelf(a=b"a" * 90, b=b"b" * 90)
    near = Sources(tmp_path, 100)
    a, b = near.get("s", "a", shelf), near.get("s", "b", shelf)
    assert a.exists()
    assert b.exists()


def test_what_is_read_while_it_is_open_makes_room_at_once(tmp_path: Path) -> None:
    """As in a burst: not even what was kept a moment ago lets the folder grow beyond its bound."""
    near = Sources(tmp_path, 100, read_seconds=0)
    near.make("a", lambda file: file.write(b"a" * 90))
    read = near.open("a")
    for path in tmp_path.iterdir():
        os.utime(path, (0, time.time() - 1))  # clocks of files tick in milliseconds: else both could be of one
    near.make("b", lambda file: file.write(b"b" * 90))
    assert near.open("a") is None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100
    assert read is not None
    with read:
        assert read.read() == b"a" * 90


def test_what_is_opened_is_used(tmp_path: Path) -> None:
    near = Sources(tmp_path, 100, read_seconds=0)
    for name in ("a", "b"):
        near.make(name, lambda file: file.write(b"x" * 40))
    for path in tmp_path.iterdir():
        os.utime(path, (0, time.time() - 1000))
    read = near.open("a")
    assert read is not None
    read.close()
    near.make("c", lambda file: file.write(b"x" * 40))
    assert (near.has("a"), near.has("b")) == (True, False)


def test_what_is_being_written_stays_whatever_the_bound_says(tmp_path: Path) -> None:
    near = Sources(tmp_path, 100, read_seconds=0)

    def slowly(file: BinaryIO) -> None:
        near.make("other", lambda file: file.write(b"b" * 500))
        file.write(b"a")

    near.make("slow", slowly)
    found = near.open("slow")
    assert found is not None
    found.close()


def test_what_a_broken_off_write_left_goes_after_a_day(tmp_path: Path) -> None:
    near = Sources(tmp_path, 100)
    left = tmp_path / "partial-abc"
    left.touch()
    near.tidy()
    assert left.exists()
    os.utime(left, (0, time.time() - 90_000))
    near.tidy()
    assert not left.exists()


def test_what_was_kept_before_the_machine_started_anew_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut leaves files whose bytes never came to the disk."""
    shelf = Shelf(a=b"picture")
    Sources(tmp_path, 100).get("s", "a", shelf).write_bytes(b"\0" * 7)
    assert Sources(tmp_path, 100).get("s", "a", shelf).read_bytes() == b"\0" * 7
    (tmp_path / "boot").write_text("another")
    monkeypatch.setattr(sources, "_BOOT", tmp_path / "boot")
    assert Sources(tmp_path / "", 100).get("s", "a", shelf).read_bytes() == b"picture"


def test_without_a_name_of_the_run_nothing_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_BOOT", tmp_path / "missing")
    first, second = Sources(tmp_path / "s", 100), Sources(tmp_path / "s", 100)
    shelf = Shelf(a=b"picture")
    for _ in range(2):
        assert first.get("s", "a", shelf).read_bytes() == b"picture"
        assert second.get("s", "a", shelf).read_bytes() == b"picture"
    assert len(shelf.opened) == 2


def test_many_at_once_see_whole_files(tmp_path: Path) -> None:
    shelf = Shelf(a=os.urandom(3_000_000))
    seen: list[bytes] = []

    def read() -> None:
        seen.append(Sources(tmp_path, 100).get("s", "a", shelf).read_bytes())

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [shelf.objects["a"]] * 8
    assert len(list(tmp_path.iterdir())) == 1
