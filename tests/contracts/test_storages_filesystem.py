"""What only a folder can get wrong: crashes, full disks, rights, symbolic links, unmounted disks."""

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mezzotint.plugin_api import ObjectNotFound, Storage, StoreUnavailable
from mezzotint.plugins.storages.filesystem import Filesystem
from tests.contracts.storage_contract import EVERY_METHOD, keys, put, put_if_absent, trickle
from tests.servers.installation import private_folder, unprivileged

HEADER = """
import io, os, sys
from mezzotint.plugins.storages.filesystem import Filesystem
store = Filesystem(sys.argv[1])
"""
READING = ["get", "get_range", "open", "stat"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def store(folder: Path) -> Storage:
    return Filesystem(str(folder))


def child(script: str, folder: Path, *wrapper: str, **options: Any) -> subprocess.Popen[bytes]:
    """A process of its own with a `store` in `folder`."""
    return subprocess.Popen(
        [*wrapper, sys.executable, "-c", HEADER + script, str(folder)],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        **options,
    )


def output(script: str, folder: Path, *wrapper: str, **options: Any) -> str:
    process = child(script, folder, *wrapper, **options)
    told, _ = process.communicate()
    assert process.returncode == 0
    return told.decode()


def staged(folder: Path) -> list[Path]:
    return list((folder / "~staging").iterdir())


# Crashes


@pytest.mark.parametrize("method", ["put", "put_if_absent"])
def test_a_put_that_is_killed_leaves_nothing_visible(folder: Path, store: Storage, method: str) -> None:
    script = f"""
import time
class Stalling:
    left = 3
    def read(self, size):
        self.left -= 1
        if not self.left:
            print("half way", flush=True)
            time.sleep(600)
        return bytes(size)
store.{method}("a/b", Stalling(), size=10 << 20, content_type="image/jpeg")
"""
    process = child(script, folder)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half way\n"
    process.kill()
    process.communicate()
    assert not store.exists("a/b")
    assert keys(store) == []
    assert put_if_absent(store, "a/b", b"after the crash") is True


def test_what_was_acknowledged_survives_a_kill_at_any_moment_and_all_else_is_whole(
    folder: Path, store: Storage
) -> None:
    script = """
number = int(sys.argv[2])
while True:
    number += 1
    content = str(number).encode() * 50_000
    store.put_if_absent(f"{number % 5}/{number}", io.BytesIO(content), size=len(content), content_type="image/jpeg")
    print(number, flush=True)
"""
    acknowledged: list[int] = []
    for turn in range(8):
        process = child(script.replace("sys.argv[2]", str(turn * 1_000_000)), folder)
        assert process.stdout is not None
        acknowledged += [int(process.stdout.readline()) for _ in range(turn + 1)]
        time.sleep(turn / 997)  # somewhere else in the next put each time
        process.kill()
        acknowledged += [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
        process.communicate()
    stored = keys(store)
    assert {f"{number % 5}/{number}" for number in acknowledged} <= set(stored)
    for key in stored:
        assert store.get(key) == key.partition("/")[2].encode() * 50_000


def test_leftovers_of_the_dead_are_swept_and_those_of_the_living_kept(folder: Path, store: Storage) -> None:
    old, new = folder / "~staging" / "old", folder / "~staging" / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    assert store.sweep(datetime.now(UTC) - timedelta(days=1)) == 1
    assert staged(folder) == [new]


def test_file_and_folder_are_on_disk_before_the_answer(store: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    def watch(name: str, describe: Callable[[Any], str]) -> None:
        really = getattr(os, name)

        def watched(*args: Any, **options: Any) -> Any:
            steps.append(describe(args[0]))
            return really(*args, **options)

        monkeypatch.setattr(os, name, watched)

    watch("fsync", lambda file: "sync folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "sync file")
    watch("replace", lambda _: "place")
    watch("link", lambda _: "place")
    put(store, "a", b"x")
    assert steps == ["sync file", "place", "sync folder"]
    for first, name in enumerate(["b", "b"]):
        steps.clear()
        assert put_if_absent(store, name, b"x") is (first == 0)
        assert steps == ["sync file", "place", "sync folder"]
    steps.clear()
    put(store, "new/folder/a", b"x")
    assert steps == ["sync file", "sync folder", "sync folder", "place", "sync folder"]


# Disks and rights


def test_a_write_that_fails_stores_nothing(folder: Path, store: Storage) -> None:
    put(store, "a", b"old")
    script = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for method in (store.put, store.put_if_absent):
    for key in ("a", "b"):
        try:
            print(method(key, io.BytesIO(bytes(3 << 20)), size=3 << 20, content_type="image/jpeg"))
        except Exception as error:
            print(type(error).__name__)
"""
    assert output(script, folder).split() == ["StoreUnavailable"] * 4
    assert (keys(store), store.get("a"), staged(folder)) == (["a"], b"old", [])


def test_a_full_disk_refuses_what_is_new_and_serves_what_it_holds(folder: Path) -> None:
    wrapper = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*wrapper, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk of his own")
    folder.mkdir()
    script = """
def put(key, size):
    try:
        return store.put_if_absent(key, io.BytesIO(bytes(size)), size=size, content_type="image/jpeg")
    except Exception as error:
        return type(error).__name__
print(put("small", 1000), put("large", 3 << 20), os.listdir(store._staging), len(store.get("small")), store.check())
print(put("other", 500_000), [found.key for found in store.list()])
"""
    mounted = [*wrapper, "sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"', str(folder)]
    assert output(script, folder, *mounted) == "True StoreUnavailable [] 1000 None\nTrue ['other', 'small']\n"


@pytest.fixture
def foreign() -> Iterator[Path]:
    """A store that belongs to an unprivileged user, who has lost the right to write to it."""
    home = private_folder()
    user = unprivileged()
    options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    try:
        output("store.put('a/b', io.BytesIO(b'x'), size=1, content_type='image/jpeg')", home / "objects", **options)
        yield home / "objects"
    finally:
        for path in [home, *home.rglob("*")]:
            path.chmod(0o700)
        shutil.rmtree(home)


@pytest.mark.parametrize(
    ("place", "mode", "call", "answer"),
    [
        ("a", 0o500, "store.get('a/b')", "b'x'"),
        ("a", 0o500, "store.put('a/c', io.BytesIO(b'y'), size=1, content_type='image/jpeg')", "StoreUnavailable"),
        ("a", 0o500, "store.delete('a/b')", "StoreUnavailable"),
        ("a", 0o000, "store.get('a/b')", "StoreUnavailable"),
        ("a", 0o000, "store.exists('a/b')", "StoreUnavailable"),
        ("a", 0o000, "list(store.list())", "StoreUnavailable"),
        ("a/b", 0o000, "store.get('a/b')", "StoreUnavailable"),
        ("~staging", 0o500, "store.check()", "StoreUnavailable"),
        ("~staging", 0o500, "store.get('a/b')", "b'x'"),
    ],
)
def test_missing_rights_are_not_missing_objects(foreign: Path, place: str, mode: int, call: str, answer: str) -> None:
    script = f"""
(store._folder / {place!r}).chmod({mode})
try:
    print({call})
except Exception as error:
    print(type(error).__name__)
"""
    user = unprivileged()
    options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    assert output(script, foreign, **options) == f"{answer}\n"


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_an_unmounted_disk_has_not_lost_its_objects(folder: Path, store: Storage, method: str) -> None:
    put(store, "a", b"x")
    listing = store.list()
    folder.rename(folder.with_name("unmounted"))
    folder.mkdir()  # the empty place where the disk was
    with pytest.raises(StoreUnavailable, match=str(folder)):
        EVERY_METHOD[method](store, "a")
    with pytest.raises(StoreUnavailable):
        list(listing)
    with pytest.raises(StoreUnavailable):
        store.check()
    assert list(folder.iterdir()) == []
    folder.rmdir()
    with pytest.raises(StoreUnavailable):
        EVERY_METHOD[method](store, "a")
    folder.with_name("unmounted").rename(folder)
    store.check()
    assert store.get("a") == b"x"


def test_a_disk_that_goes_while_it_is_listed(folder: Path, store: Storage) -> None:
    for key in ("a/1", "b/1", "c/1"):
        put(store, key, b"x")
    listing = store.list()
    assert next(listing).key == "a/1"
    folder.rename(folder.with_name("unmounted"))
    with pytest.raises(StoreUnavailable):
        list(listing)


def test_a_folder_that_can_not_be_made_yet_is_made_when_it_can(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Filesystem(str(tmp_path / "file" / "objects"))
    for call in (store.check, lambda: put(store, "a", b"x"), lambda: store.get("a"), lambda: list(store.list())):
        with pytest.raises(StoreUnavailable, match="file"):
            call()
    (tmp_path / "file").unlink()
    put(store, "a", b"x")
    assert keys(store) == ["a"]


# Paths


def test_nobody_else_can_read_a_thing(folder: Path, store: Storage) -> None:
    umask = os.umask(0)
    try:
        Filesystem(str(folder))
        put(store, "a/b/c", b"x")
        put_if_absent(store, "a/d", b"x")
    finally:
        os.umask(umask)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert len(modes) == 6
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())


def test_symbolic_links_lead_nowhere(tmp_path: Path, folder: Path, store: Storage) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    put(store, "real/object", b"x")
    (folder / "file").symlink_to(outside / "secret")
    (folder / "folder").symlink_to(outside)
    (folder / "real" / "up").symlink_to("..")
    (folder / "dangling").symlink_to(outside / "new")
    linked = ["file", "folder/secret", "real/up/real/object", "dangling"]
    for key in linked:
        for method in READING:
            with pytest.raises(ObjectNotFound):
                EVERY_METHOD[method](store, key)
        with pytest.raises(ObjectNotFound):
            store.local_path(key)
        assert not store.exists(key)
    assert keys(store) == ["real/object"]
    for write in (put, put_if_absent):
        with pytest.raises(StoreUnavailable):
            write(store, "folder/new", b"x")
    put(store, "file", b"replaces the link")
    put(store, "dangling", b"replaces the link")
    store.delete("folder/secret")
    assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [("secret", b"secret")]
    assert store.get("file") == b"replaces the link"


def test_a_listing_leaves_out_what_is_no_object(folder: Path, store: Storage) -> None:
    put(store, "a/b", b"x")
    for name in ("lost+found", "~staging/x", "a/#backup", "a/b~", "naïve"):
        (folder / name).write_bytes(b"not ours")
    os.mkfifo(folder / "a" / "pipe")
    (folder / "empty").mkdir()
    assert keys(store) == ["a/b"]


def test_nothing_stays_staged(folder: Path, store: Storage) -> None:
    put(store, "a", b"x")
    put_if_absent(store, "a", b"y")
    put_if_absent(store, "b", b"z")
    with pytest.raises(ConnectionResetError):
        store.put("c", trickle(b"half", breaks=True), size=10, content_type="image/jpeg")
    assert staged(folder) == []


def test_without_its_attribute_a_file_is_what_its_extension_says(folder: Path, store: Storage) -> None:
    for name, told in (("a.png", "image/png"), ("a.webp", "image/webp"), ("a", "application/octet-stream")):
        put(store, name, b"x", "image/avif")
        os.removexattr(folder / name, "user.mime_type")
        assert store.stat(name).content_type == told


def test_a_local_path_is_below_the_folder(folder: Path, store: Storage) -> None:
    put(store, "a/b.jpg", b"x")
    assert store.local_path("a/b.jpg") == folder / "a" / "b.jpg"
    with pytest.raises(ObjectNotFound):
        store.local_path("a/c.jpg")
    with pytest.raises(ValueError, match="name"):
        store.local_path("../outside")
    assert store.presigned_get("a/b.jpg", seconds=60) is None
    assert store.presigned_put("a/b.jpg", seconds=60, content_type="image/jpeg") is None
