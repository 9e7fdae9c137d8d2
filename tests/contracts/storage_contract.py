"""What every storage keeps; a subclass named Test… gives it an empty `store`."""

import hashlib
import io
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Event
from typing import Any, BinaryIO, cast

import pytest
import requests

from mezzotint.plugin_api import ObjectNotFound, Storage, StoredObject

JPEG = "image/jpeg"
LARGE = random.Random(20).randbytes(20_000_001)

BAD_KEYS = [
    *("", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a/../b", "~staging/a"),
    *("a b", "a\n", "a\0", "a\\b", "a?b", "a%2fb", "a*", "ä", "a" * 256, "a/" * 256 + "b"),
]
GOOD_KEYS = [
    *("a", "A", "0", "-", "_", "...", ".a", "a.", "a/.b/..c/d-e_f.G", "x" * 255),
    "/".join(["y" * 127] * 4) + "z",
]


def put(store: Storage, key: str, content: bytes, content_type: str = JPEG) -> StoredObject:
    return store.put(key, io.BytesIO(content), size=len(content), content_type=content_type)


def put_if_absent(store: Storage, key: str, content: bytes) -> bool:
    return store.put_if_absent(key, io.BytesIO(content), size=len(content), content_type=JPEG)


def read(store: Storage, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()


def keys(store: Storage, prefix: str = "", after: str = "") -> list[str]:
    return [found.key for found in store.list(prefix, after=after)]


EVERY_METHOD: dict[str, Callable[[Storage, str], Any]] = {
    "put": lambda store, key: put(store, key, b"x"),
    "put_if_absent": lambda store, key: put_if_absent(store, key, b"x"),
    "get": lambda store, key: store.get(key),
    "get_range": lambda store, key: store.get_range(key, 0, 1),
    "get_range of nothing": lambda store, key: store.get_range(key, 0, 0),
    "open": read,
    "stat": lambda store, key: store.stat(key),
    "exists": lambda store, key: store.exists(key),
    "delete": lambda store, key: store.delete(key),
}


class Trickle:
    """A stream as a socket gives it: never what was asked for at once, not seekable; it may break."""

    def __init__(self, content: bytes, *, breaks: bool = False) -> None:
        self._rest = memoryview(content)
        self._breaks = breaks

    def read(self, size: int) -> bytes:
        if self._breaks and not self._rest:
            raise ConnectionResetError("the client went away")
        block, self._rest = self._rest[: min(size, 60_000)], self._rest[min(size, 60_000) :]
        return bytes(block)


def trickle(content: bytes, *, breaks: bool = False) -> BinaryIO:
    return cast("BinaryIO", Trickle(content, breaks=breaks))


class StorageContract:
    def test_an_object_comes_back_as_it_was_put(self, store: Storage) -> None:
        content = bytes(range(256)) * 4
        stored = put(store, "photos/one", content, "image/avif")
        assert (stored.key, stored.size, stored.content_type) == ("photos/one", 1024, "image/avif")
        assert stored.modified.tzinfo is not None
        assert store.stat("photos/one") == stored
        assert store.exists("photos/one")
        assert store.get("photos/one") == content
        assert read(store, "photos/one") == content

    def test_putting_again_replaces(self, store: Storage) -> None:
        put(store, "a", b"first", "image/png")
        put(store, "a", b"the second", "image/webp")
        assert store.get("a") == b"the second"
        assert (store.stat("a").size, store.stat("a").content_type) == (10, "image/webp")

    def test_a_reader_never_sees_half_of_a_replacement(self, store: Storage) -> None:
        versions = [bytes([digit]) * 700_000 for digit in (1, 2)]
        put(store, "a", versions[0])
        with ThreadPoolExecutor() as pool:
            writing = pool.submit(lambda: [put(store, "a", versions[turn % 2]) for turn in range(20)])
            while not writing.done():
                assert store.get("a") in versions
            writing.result()

    @pytest.mark.parametrize("size", [0, 5, len(LARGE)])
    def test_put_if_absent_keeps_what_is_there(self, store: Storage, size: int) -> None:
        assert put_if_absent(store, "a/b", LARGE[:size]) is True
        assert put_if_absent(store, "a/b", b"other") is False
        assert put_if_absent(store, "a/b", LARGE[::-1]) is False
        assert store.get("a/b") == LARGE[:size]
        store.delete("a/b")
        assert put_if_absent(store, "a/b", b"other") is True

    @pytest.mark.parametrize("size", [1000, 9_000_000])
    def test_of_many_at_once_exactly_one_was_first(self, store: Storage, size: int) -> None:
        writers = 6
        for key in ("race/1", "race/2", "race/3"):
            together = Barrier(writers)

            def write(digit: int, key: str = key, together: Barrier = together) -> bool:
                together.wait()
                return put_if_absent(store, key, bytes([digit]) * size)

            with ThreadPoolExecutor(writers) as pool:
                first = list(pool.map(write, range(writers)))
            assert first.count(True) == 1
            assert store.get(key) == bytes([first.index(True)]) * size

    def test_an_empty_object_is_one(self, store: Storage) -> None:
        assert put(store, "empty", b"").size == 0
        assert store.get("empty") == b""
        assert read(store, "empty") == b""
        assert store.get_range("empty", 0, 10) == b""
        assert keys(store) == ["empty"]

    def test_a_large_stream_goes_in_and_out_in_pieces(self, store: Storage) -> None:
        store.put("large", trickle(LARGE), size=len(LARGE), content_type=JPEG)
        read, digest = 0, hashlib.sha256()
        with store.open("large") as stream:
            while block := stream.read(65_536):
                read += len(block)
                digest.update(block)
        assert read == store.stat("large").size == len(LARGE)
        assert digest.digest() == hashlib.sha256(LARGE).digest()
        assert store.stat("large").content_type == JPEG

    def test_a_stream_is_read_no_further_than_its_size(self, store: Storage) -> None:
        stream = io.BytesIO(b"0123456789")
        store.put("a", stream, size=4, content_type=JPEG)
        assert store.get("a") == b"0123"
        assert stream.read() == b"456789"

    @pytest.mark.parametrize("sent", [0, 100, 10_000_000])
    @pytest.mark.parametrize("method", ["put", "put_if_absent"])
    def test_a_stream_that_ends_too_early_stores_nothing(self, store: Storage, method: str, sent: int) -> None:
        with pytest.raises(ValueError, match="ended"):
            getattr(store, method)("a", trickle(LARGE[:sent]), size=sent + 1, content_type=JPEG)
        assert not store.exists("a")
        assert keys(store) == []

    @pytest.mark.parametrize("sent", [0, 100, 10_000_000])
    @pytest.mark.parametrize("method", ["put", "put_if_absent"])
    def test_what_breaks_a_stream_passes_through_and_stores_nothing(
        self, store: Storage, method: str, sent: int
    ) -> None:
        stream = trickle(LARGE[:sent], breaks=True)
        with pytest.raises(ConnectionResetError, match="the client went away"):
            getattr(store, method)("a", stream, size=sent + 1, content_type=JPEG)
        assert not store.exists("a")
        assert keys(store) == []

    def test_a_broken_replacement_leaves_the_old_object(self, store: Storage) -> None:
        put(store, "a", b"old")
        with pytest.raises(ConnectionResetError):
            store.put("a", trickle(b"new", breaks=True), size=10, content_type=JPEG)
        assert store.get("a") == b"old"

    @pytest.mark.parametrize(
        ("start", "length", "expected"),
        [
            *[(0, 1, b"0"), (0, 10, b"0123456789"), (0, 11, b"0123456789"), (3, 4, b"3456"), (9, 1, b"9")],
            *[(9, 5, b"9"), (10, 1, b""), (11, 5, b""), (0, 0, b""), (5, 0, b""), (10, 0, b"")],
        ],
    )
    def test_ranges(self, store: Storage, start: int, length: int, expected: bytes) -> None:
        put(store, "digits", b"0123456789")
        assert store.get_range("digits", start, length) == expected

    @pytest.mark.parametrize(("start", "length"), [(-1, 5), (0, -1), (-3, -2)])
    def test_negative_ranges_are_refused(self, store: Storage, start: int, length: int) -> None:
        put(store, "digits", b"0123456789")
        with pytest.raises(ValueError, match="negative"):
            store.get_range("digits", start, length)

    @pytest.mark.parametrize("method", ["get", "get_range", "get_range of nothing", "open", "stat"])
    def test_reading_what_is_not_there(self, store: Storage, method: str) -> None:
        put(store, "folder/there", b"x")
        for key in ("absent", "folder/absent", "no/such/folder", "folder", "folder/there/below"):
            with pytest.raises(ObjectNotFound):
                EVERY_METHOD[method](store, key)
            assert not store.exists(key)

    def test_deleting_is_fine_twice(self, store: Storage) -> None:
        put(store, "a/b", b"x")
        put(store, "a/c", b"y")
        store.delete("a/b")
        store.delete("a/b")
        store.delete("never/was")
        assert keys(store) == ["a/c"]

    @pytest.mark.parametrize("method", EVERY_METHOD)
    def test_bad_keys_are_refused(self, store: Storage, method: str) -> None:
        for key in BAD_KEYS:
            with pytest.raises(ValueError, match="can't name an object"):
                EVERY_METHOD[method](store, key)
        assert keys(store) == []

    def test_good_keys_name_different_objects(self, store: Storage) -> None:
        good = [key for key in GOOD_KEYS if key not in {"a", "A"}] + ["case/a", "case/A"]
        for key in good:
            put(store, key, key.encode())
        assert [store.get(key) for key in good] == [key.encode() for key in good]
        assert keys(store) == sorted(good)

    def test_a_listing_is_ordered_by_the_whole_key(self, store: Storage) -> None:
        stored = ["a-b", "a.b", "a/b", "a/c/d", "a0", "aB/x", "ab", "b", "b-/a", "b.d/e", "B"]
        for key in random.Random(7).sample(stored, len(stored)):
            put(store, key, b"123")
        assert keys(store) == sorted(stored)
        assert {found.size for found in store.list()} == {3}

    def test_a_listing_by_prefix_and_place(self, store: Storage) -> None:
        stored = sorted(f"o/{tenant}/{number}" for tenant in ("a", "ab", "a-b", "c") for number in range(3))
        for key in stored:
            put(store, key, b"x")
        prefixes = ["", "o", "o/", "o/a", "o/a/", "o/a/1", "o/ab/2", "o/x", "p", "ä"]
        afters = ["", "a", "o", "o/a", "o/a/", "o/a/0", "o/a/1zzz", "o/ab", "o/c/2", "z"]
        for prefix in prefixes:
            for after in afters:
                expected = [key for key in stored if key.startswith(prefix) and key > after]
                assert keys(store, prefix, after) == expected, (prefix, after)

    def test_a_listing_goes_on_for_more_than_a_page(self, store: Storage) -> None:
        stored = [f"page/{number % 7}/{number:05}" for number in range(1105)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: put(store, key, b""), stored))
        assert keys(store, "page/") == sorted(stored)
        assert keys(store, after=sorted(stored)[50]) == sorted(stored)[51:]

    def test_a_stream_left_early_harms_nobody(self, store: Storage) -> None:
        put(store, "large", LARGE)
        for _ in range(5):
            with store.open("large") as stream:
                assert stream.read(10) == LARGE[:10]
        assert store.get_range("large", len(LARGE) - 5, 10) == LARGE[-5:]

    def test_a_local_path_is_the_object(self, store: Storage) -> None:
        put(store, "a/b.jpg", b"picture")
        path = store.local_path("a/b.jpg")
        assert path is None or path.read_bytes() == b"picture"

    def test_nginx_finds_an_object_where_it_is_said_to_be(self, store: Storage) -> None:
        for key in sorted({*GOOD_KEYS, "case/A"} - {"a", "A"}):
            put(store, key, key.encode())
            path = store.fetch_path(key)
            assert (path is None) is (store.base_url is None)
            if store.base_url and store.base_url.startswith("file://"):
                assert Path(f"{store.base_url.removeprefix('file://')}{path}").read_bytes() == key.encode()
            elif store.base_url:
                answer = requests.get(f"{store.base_url}{path}", allow_redirects=False, timeout=60)
                assert (answer.status_code, answer.content) == (200, key.encode())
        for key in BAD_KEYS if store.base_url else ():
            with pytest.raises(ValueError, match="can't name an object"):
                store.fetch_path(key)

    def test_a_sweep_leaves_objects_and_writes_under_way(self, store: Storage) -> None:
        put(store, "a", b"x")
        begun, go_on = Event(), Event()

        class Slow(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                if begun.is_set():
                    go_on.wait(60)
                begun.set()
                return super().read(size)

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(store.put, "b", Slow(LARGE), size=len(LARGE), content_type=JPEG)
            begun.wait(60)
            try:
                assert store.sweep(datetime.now(UTC) - timedelta(days=1)) == 0
            finally:
                go_on.set()
            writing.result()
        assert store.sweep(datetime.now(UTC) + timedelta(days=1)) == 0
        assert (store.get("a"), store.get("b")) == (b"x", LARGE)

    def test_it_is_well(self, store: Storage) -> None:
        store.check()
