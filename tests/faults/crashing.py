"""Uploads pictures in processes that kill themselves: `crashing SETTINGS TARGET FOLDER STEP…` for `FOLDER/STEP.jpg`.
The target is a place, or an asset whose new version each of them is.

The database and the store are stand-ins around the real ones; each of their steps counts, and the process dies at the
step that it is told. One line per process: the step that it died at, or `done`, after which no more are tried.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mezzotint import settings, wiring
from mezzotint.model.identifiers import from_ulid
from tests.servers.places import OPERATOR

ORIGINALS = "originals"


class Fate:
    """Counts steps and dies at one of them."""

    def __init__(self, at: int, tell: int) -> None:
        self._left = at
        self._tell = tell

    def step(self, name: str) -> None:
        self._left -= 1
        if self._left == 0:
            os.write(self._tell, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """Any collaborator: dies before or after a call of the methods named."""

    def __init__(self, real: Any, fate: Fate, *mortal: str) -> None:
        self._real = real
        self._fate = fate
        self._mortal = mortal

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._real, name)
        if name not in self._mortal:
            return attribute

        def call(*args: Any, **options: Any) -> Any:
            self._fate.step(f"before {name}")
            result = attribute(*args, **options)
            self._fate.step(f"after {name}")
            return result

        return call


class MortalDatabase(Mortal):
    @contextmanager
    def scoped(self, scope: Any) -> Iterator[Any]:
        with self._real.scoped(scope) as tx:
            yield tx
            self._fate.step("before commit")
        self._fate.step("after commit")


class MortalStore(Mortal):
    def put(self, key: str, stream: Any, **options: Any) -> Any:
        fate = self._fate
        fate.step("before put")

        class Half:
            """A stream that ends in the middle, with everything else."""

            def read(self, size: int = -1) -> bytes:
                data: bytes = stream.read(min(size, 512) if size > 0 else 512)
                fate.step("half of put") if stream.tell() > 512 and stream.tell() <= 1024 else None
                return data

        result = self._real.put(key, Half(), **options)
        fate.step("after put")
        return result


def upload(path: Path, target: str, picture: Path, fate: Fate) -> None:
    house = wiring.build(settings.load(path, {}))
    house.ingest._database = MortalDatabase(house.database, fate)
    house.ingest._store = MortalStore(house.stores[ORIGINALS], fate, "stat")
    house.ingest._renderers = Mortal(house.ingest._renderers, fate, "inspect")
    data = picture.read_bytes()
    with house.spool.receive() as incoming:
        incoming.write(data, limit=len(data))
        if "/" not in target:
            house.ingest.add_version(OPERATOR, from_ulid(target), incoming.received, "p.jpg")
            return
        organization, tenant, space = target.split("/")
        house.ingest.add(OPERATOR, incoming.received, "p.jpg", organization=organization, tenant=tenant, space=space)


def main() -> None:
    path, target, folder, *steps = sys.argv[1:]
    for step in steps:
        hear, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(hear)
            upload(Path(path), target, Path(folder, f"{step}.jpg"), Fate(int(step), tell))
            os.write(tell, b"done")
            os._exit(0)
        os.close(tell)
        with os.fdopen(hear) as said:
            died_at = said.read()
        os.waitpid(pid, 0)
        print(died_at, flush=True)  # noqa: T201
        if died_at == "done":
            return


if __name__ == "__main__":
    main()
