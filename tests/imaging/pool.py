"""A real renderer pool in processes of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from mezzotint import logs, registry
from mezzotint.imaging.client import BREAKDOWNS, InspectJob, Renderers, RenderJob
from mezzotint.imaging.decoded import PIXELS_BYTES
from mezzotint.imaging.isolation import COPY_BYTES, Isolation
from mezzotint.imaging.pool import Pool as PoolClient
from mezzotint.imaging.renderer.master import PoolSettings
from mezzotint.imaging.renderer.serve import serve, serve_isolated
from mezzotint.imaging.sources import Sources
from mezzotint.model.errors import Overloaded, RenderTimeout, Unavailable
from tests.imaging.mischief.decoders.mischief import MischiefDecoder

T = TypeVar("T")
REPOSITORY = Path(__file__).parents[2]
PATIENCE = 30.0
"""seconds to wait for a state before a test gives up"""


DEFAULTS = {
    "workers": 2, "background": 0, "queue": 64, "queue_per_tenant": 32, "memory_bytes": 3 << 30, "recycle": 1000,
    "cpu_seconds": PATIENCE, "file_bytes": PIXELS_BYTES,
}  # fmt: skip
ISOLATED = {"workers": 1, "memory_bytes": 2 << 30, "cpu_seconds": 10.0, "file_bytes": COPY_BYTES}
STRANGERS = "mischief"


class Pool:
    """Started on entering, stopped on leaving. Plays host to the plug-ins of `tests.imaging.mischief` too.

    An `isolated` pool has all isolated decoders; an `unsealed` one lives on a machine without libseccomp.
    """

    def __init__(self, folder: Path, *, isolated: bool = False, unsealed: bool = False, **settings: float) -> None:
        self.name = "isolated" if isolated else "renderers"
        self.socket = folder / f"{self.name}.sock"
        self.log = folder / f"{self.name}.log"
        self.folder = folder
        self._settings = DEFAULTS | (ISOLATED if isolated else {}) | settings
        self._unsealed = unsealed
        if unsealed:  # found before the real one, which finds no library either where there is none
            (folder / "pyseccomp.py").write_text("raise RuntimeError('Unable to find libseccomp')")
        self.client = Renderers(self.socket)

    def isolation(self) -> Isolation:
        """The client of an isolated pool."""
        decoders = [kind() for kind in registry.load(["standard"]).isolated.values()]
        sources = Sources(self.folder / "sources", 1 << 30)
        return Isolation(PoolClient(self.socket, self.name), [*decoders, MischiefDecoder()], sources)

    def __enter__(self) -> Self:
        install_strangers(self.folder)
        arguments = json.dumps([self.name, {"socket": str(self.socket), **self._settings}])
        environment = os.environ | {"PYTHONPATH": f"{REPOSITORY / 'app'}:{REPOSITORY}:{self.folder}"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.imaging.pool", arguments],
                cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        until(self.answers)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()

    def answers(self) -> bool:
        """Whether the master does, and its renderers are sealed, if they can be: then they take jobs."""
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(Unavailable):
            Renderers(self.socket).ping()  # a client of its own: the breaker of one that has failed would wait
            return self._unsealed or self.sealed()
        return False

    def sealed(self) -> bool:
        """Whether all its renderers are there, and sealed."""
        workers = self.workers
        wanted = int(self._settings["workers"] + self._settings["background"])
        with contextlib.suppress(OSError):
            return len(workers) == wanted and all(
                "Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text() for pid in workers
            )
        return False

    @property
    def workers(self) -> list[int]:
        """The process ids of the renderers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def events(self) -> Iterator[dict[str, Any]]:
        for line in self.log.read_text().splitlines():
            with contextlib.suppress(ValueError):
                yield json.loads(line)


def until(state: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for `state`."""
    give_up = time.monotonic() + patience
    while not state():
        assert time.monotonic() < give_up, "the state did not come"
        time.sleep(0.02)


def given_time(ask: Callable[[float], T], seconds: float, most: float = 20.0) -> T:
    """What `ask` gives or raises, with so many seconds for its job: with more, where the machine had none for it."""
    for had in (seconds, 5 * seconds):
        try:
            return ask(had)
        except (Overloaded, RenderTimeout) as problem:
            if isinstance(problem, BREAKDOWNS):
                raise
    return ask(most)


def render_job(source: Path, operations: str = "w_100", ext: str = "jpg", **changes: Any) -> RenderJob:
    facts: dict[str, Any] = {"tenant": "a", "deadline": PATIENCE, "max_pixels": 50_000_000}
    facts |= {"max_output_pixels": 50_000_000} | changes
    return RenderJob(source=source, operations=operations, ext=ext, **facts)


def inspect_job(source: Path, **changes: Any) -> InspectJob:
    facts: dict[str, Any] = {"tenant": "a", "deadline": PATIENCE, "max_pixels": 50_000_000}
    return InspectJob(source=source, **facts | changes)


def install_strangers(folder: Path) -> None:
    """What pip leaves behind for a package with plug-ins."""
    about = folder / f"{STRANGERS}-1.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {STRANGERS}\nVersion: 1\n")
    (about / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{STRANGERS} = tests.imaging.mischief\n")


def main() -> None:
    name, settings = json.loads(sys.argv[1])
    logs.configure()
    found = registry.load(["standard", STRANGERS])
    pool = PoolSettings(**settings | {"socket": Path(settings["socket"])})
    if name == "isolated":
        serve_isolated(pool, [decoder() for decoder in found.isolated.values()], REPOSITORY / "conf/imagemagick")
        return
    serve(
        pool,
        found.grammar(),
        [decoder() for decoder in found.decoders.values()],
        [encoder() for encoder in found.encoders.values()],
    )


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
