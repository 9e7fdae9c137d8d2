"""A worker as an installation runs it, beside real servers."""

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from mezzotint import settings, wiring
from mezzotint.standalone.settings_file import dump, merge
from mezzotint.wiring import House
from tests.imaging.pool import REPOSITORY, until
from tests.servers.house import running_settings
from tests.servers.places import Names, settle

JOB_SECONDS = 12
"""Short, so that the claim of a killed worker ends while a test waits."""


class Worker:
    """Worker and beat, a process group of their own."""

    def __init__(self, config: Path, log: Path) -> None:
        self._config = config
        self._ready = log.with_suffix(".ready")
        self.log = log

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self._ready.unlink(missing_ok=True)
        environment = os.environ | {
            "PYTHONPATH": str(REPOSITORY / "app"),
            "MEZZOTINT_CONFIG": str(self._config),
            "MEZZOTINT_WORKER_READY": str(self._ready),
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "mezzotint.worker"],
                env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(self._listens)

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        return self._ready.exists()

    def kill(self) -> None:
        """kill -9, the worker's children with it, as the supervisor does when it dies."""
        with suppress(ProcessLookupError):  # stopped already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def children(self) -> list[int]:
        """The process ids of those that do the work."""
        return [
            int(pid) for pid in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        ]

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(30)


@pytest.fixture(scope="session")
def config(postgres, redis_url, tmp_path_factory) -> Iterator[Path]:
    with running_settings(postgres, redis_url, tmp_path_factory.mktemp("worker")) as path:
        given = tomllib.loads(path.read_text())
        # A machine that stands still for some seconds is no Redis that is away.
        path.write_text(dump(merge(given, {"worker": {"job_seconds": JOB_SECONDS}, "redis": {"timeout": 30.0}})))
        yield path


@pytest.fixture(scope="session")
def house(config) -> Iterator[House]:
    house = wiring.build(settings.load(config, {}))
    yield house
    house.database.close()


@pytest.fixture
def place(house) -> Names:
    return settle(house)


@pytest.fixture
def start_worker(config, tmp_path) -> Callable[[], Worker]:
    return lambda: Worker(config, tmp_path / "worker.log")
