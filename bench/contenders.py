"""Those that do the same work: Mezzotint, bare libvips calls, and a server around sharp."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

from bench import load, tools
from bench.processes import cpu_seconds
from bench.stack import Stack
from bench.tasks import Size, Task
from mezzotint.imaging.client import Renderers, RenderJob
from tests.servers.installation import free_port

CLIENTS = 2
_BACKGROUND_SECONDS = 60.0
_ANY_PIXELS = 100_000_000

Job = tuple[Path, Size]
"""An original and what to make of it."""


class Contender(Protocol):
    """Somebody who does tasks."""

    def cpu(self, task: Task, jobs: Sequence[Job]) -> float:
        """CPU seconds of all its processes for these jobs."""


@dataclass(frozen=True, slots=True)
class Mezzotint:
    """A whole installation, through its edge; `assets` says what an original is called there."""

    stack: Stack
    assets: dict[Path, str]

    def cpu(self, task: Task, jobs: Sequence[Job]) -> float:
        before = cpu_seconds(self.stack.pid)
        self.make(task, jobs)
        return cpu_seconds(self.stack.pid) - before

    def make(self, task: Task, jobs: Sequence[Job]) -> list[bytes]:
        paths = [f"{self.assets[file]}/{task.variant(size)}" for file, size in jobs]
        return load.ask(self.stack.port, paths, clients=CLIENTS)


@dataclass(frozen=True, slots=True)
class Background:
    """Mezzotint's background work, which takes its time: the same renderers, asked for what it asks them."""

    renderers: Renderers

    def make(self, task: Task, jobs: Sequence[Job]) -> list[bytes]:
        return [
            self.renderers.render(
                RenderJob(
                    source=file,
                    operations=task.variant(size).removesuffix(f".{task.ext}"),
                    ext=task.ext,
                    tenant="bench",
                    deadline=_BACKGROUND_SECONDS,
                    max_pixels=_ANY_PIXELS,
                    max_output_pixels=_ANY_PIXELS,
                    background=True,
                    thorough=True,
                )
            ).data
            for file, size in jobs
        ]


@dataclass(frozen=True, slots=True)
class Sharp:
    """bench/sharp.mjs."""

    port: int
    pid: int
    versions: dict[str, str]

    def cpu(self, task: Task, jobs: Sequence[Job]) -> float:
        before = cpu_seconds(self.pid)
        self.make(task, jobs)
        return cpu_seconds(self.pid) - before

    def make(self, task: Task, jobs: Sequence[Job]) -> list[bytes]:
        paths = []
        for file, size in jobs:
            asked = {"width": size.width, "height": size.height or "", "format": task.format, "quality": task.quality}
            paths.append(f"{file}?{urlencode(asked)}")
        return load.ask(self.port, paths, clients=CLIENTS)


class Libvips:
    """bench/libvips.py."""

    def cpu(self, task: Task, jobs: Sequence[Job]) -> float:
        command = [sys.executable, "-m", "bench.libvips", task.format, str(task.quality)]
        command += [f"{file}={size}" for file, size in jobs]
        environment = {**os.environ, "VIPS_CONCURRENCY": "1"}
        return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


@contextmanager
def sharp() -> Iterator[Sharp]:
    """Raises tools.Missing."""
    port = free_port()
    command = ["node", str(Path(__file__).with_suffix("").with_name("sharp.mjs")), str(tools.sharp()), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Sharp(port, process.pid, json.loads(process.stdout.readline()))
        finally:
            process.terminate()
