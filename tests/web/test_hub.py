"""Disks that take their time do not hold up everybody."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mezzotint import settings, wiring
from mezzotint.web import hub
from tests.servers.house import running_settings

COOPERATES = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, os, sys
from mezzotint.plugin_api import ObjectNotFound
from mezzotint.plugins.storages.filesystem import Filesystem
from mezzotint.services.store_threads import threaded
from mezzotint.web import hub

store = threaded(Filesystem(sys.argv[1]), hub.aside())
reading, writing = os.pipe()

class Slow:
    def read(self, size):
        return os.read(reading, size)  # blocks as a disk does, whatever is patched

def tick():
    for _ in range(5):
        gevent.sleep(0)
    os.write(writing, b"picture")

ticker = gevent.spawn(tick)
store.put("a", Slow(), size=7, content_type="image/jpeg")
with store.open("a") as stream:
    print(ticker.ready(), stream.read(), [found.key for found in store.list()])
try:
    store.stat("b")
except ObjectNotFound:
    print("not found")
"""


def test_greenlets_go_on_while_a_disk_is_waited_for(tmp_path: Path):
    told = subprocess.run(
        [sys.executable, "-c", COOPERATES, str(tmp_path / "store")],
        env={"PYTHONPATH": ":".join(sys.path)},
        check=True,
        capture_output=True,
        timeout=240,
    )
    assert told.stdout.decode() == "True b'picture' ['a']\nnot found\n"
    assert told.stderr == b""


HANGS = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, io, os, sys
from pathlib import Path
from mezzotint.plugin_api import StoreUnavailable
from mezzotint.plugins.storages.filesystem import Filesystem
from mezzotint.services import store_threads
from mezzotint.web import hub

store = store_threads.threaded(Filesystem(sys.argv[1]), hub.aside())
store.put("well", io.BytesIO(b"picture"), size=7, content_type="image/jpeg")  # a busy disk may take its time
store_threads.PATIENCE = 0.5
silent = Path(sys.argv[1], "silent")  # opening it waits for a writer, and reading it for what that writes
os.mkfifo(silent)

def trying(ask):
    try:
        ask()
    except StoreUnavailable:
        return "gave up"

def read():
    with store.open("silent") as stream:
        stream.read(7)

print(trying(lambda: store.stat("silent")), store.get("well"))
writing = os.open(silent, os.O_RDWR)
print(trying(read), store.get("well"))
everyone = [gevent.spawn(trying, lambda: store.get("silent")) for _ in range(30)]
gevent.joinall(everyone)
print({each.value for each in everyone}, trying(lambda: store.get("well")))
os.write(writing, bytes(1000))
os.close(writing)
while trying(lambda: print(store.get("well"))):
    pass
"""


def test_a_disk_that_hangs_is_left_behind(tmp_path: Path):
    told = subprocess.run(
        [sys.executable, "-c", HANGS, str(tmp_path / "store")],
        env={"PYTHONPATH": ":".join(sys.path)},
        check=True,
        capture_output=True,
        timeout=240,
    )
    assert told.stdout.decode().splitlines() == [
        "gave up b'picture'", "gave up b'picture'", "{'gave up'} gave up", "b'picture'"
    ]  # fmt: skip
    assert told.stderr == b""


def test_a_process_without_a_hub_works_as_it_is():
    assert hub.aside() is None


def test_a_house_calls_from_threads_what_blocks(postgres, redis_url: str, tmp_path: Path):
    moved = []

    def aside(work: Callable[[], Any], _seconds: float) -> Any:
        moved.append(work)
        return work()

    with running_settings(postgres, redis_url, tmp_path) as path:
        house = wiring.build(settings.load(path, {}), aside=aside)
        house.stores["originals"].check()
        house.database.close()
    assert len(moved) == 1
