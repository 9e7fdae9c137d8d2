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


def test_a_process_without_a_hub_works_as_it_is():
    assert hub.aside() is None


def test_a_house_calls_from_threads_what_blocks(postgres, redis_url: str, tmp_path: Path):
    moved = []

    def aside(work: Callable[[], Any]) -> Any:
        moved.append(work)
        return work()

    with running_settings(postgres, redis_url, tmp_path) as path:
        house = wiring.build(settings.load(path, {}), aside=aside)
        house.stores["originals"].check()
        house.database.close()
    assert len(moved) == 1
