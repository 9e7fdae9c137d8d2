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
from typing import Any, Self

from mezzotint import logs, registry
from mezzotint.imaging.client import InspectJob, Renderers, RenderJob
from mezzotint.imaging.renderer.master import PoolSettings
from mezzotint.imaging.renderer.serve import serve
from mezzotint.model.errors import Unavailable

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 30.0
"""seconds to wait for a state before a test gives up"""


class Pool:
    """Started on entering, stopped on leaving."""

    def __init__(self, folder: Path, **settings: int) -> None:
        defaults = {"workers": 2, "background": 0, "queue": 64, "queue_per_tenant": 32, "memory_bytes": 3 << 30, "recycle": 1000}
        self.socket = folder / "renderers.sock"
        self.log = folder / "renderers.log"
        self._settings = defaults | settings
        self.client = Renderers(self.socket)

    def __enter__(self) -> Self:
        arguments = json.dumps({"socket": str(self.socket), **self._settings})
        environment = os.environ | {"PYTHONPATH": f"{REPOSITORY / 'app'}:{REPOSITORY}"}
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
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(Unavailable):
            self.client.ping()
            return True
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


def until(state: Callable[[], bool]) -> None:
    """Wait for `state`."""
    give_up = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < give_up, "the state did not come"
        time.sleep(0.02)


def render_job(source: Path, operations: str = "w_100", ext: str = "jpg", **changes: Any) -> RenderJob:
    facts: dict[str, Any] = {"tenant": "a", "deadline": PATIENCE, "max_pixels": 50_000_000}
    facts |= {"max_output_pixels": 50_000_000} | changes
    return RenderJob(source=source, operations=operations, ext=ext, **facts)


def inspect_job(source: Path, **changes: Any) -> InspectJob:
    facts: dict[str, Any] = {"tenant": "a", "deadline": PATIENCE, "max_pixels": 50_000_000}
    return InspectJob(source=source, **facts | changes)


def main() -> None:
    settings = json.loads(sys.argv[1])
    logs.configure()
    found = registry.load(["standard"])
    serve(
        PoolSettings(**settings | {"socket": Path(settings["socket"])}),
        found.grammar(),
        [decoder() for decoder in found.decoders.values()],
        [encoder() for encoder in found.encoders.values()],
    )


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
