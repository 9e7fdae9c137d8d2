"""A renderer that was taken over harms its own job and no other: its master neither believes it nor waits for it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mezzotint.breaker import FAILURES, State
from mezzotint.imaging.pool import Pool as PoolClient
from mezzotint.imaging.pool import RendererDied
from mezzotint.model.errors import MezzotintError, Unavailable
from tests.imaging.hostile_pool import RECYCLE, WAYS
from tests.imaging.pool import PATIENCE, REPOSITORY, until


class HostilePool:
    def __init__(self, process: subprocess.Popen[bytes], socket: Path) -> None:
        self.process = process
        self.socket = socket
        self.client = PoolClient(socket, "renderers")

    def ask(self, operations: str, deadline: float = PATIENCE) -> dict[str, Any]:
        with Path("/dev/null").open("rb") as source:
            return self.client.ask("render", {"tenant": "a", "operations": operations}, deadline, [source])[0]

    def answers(self) -> bool:
        assert self.process.poll() is None, "the master has died"
        if not self.socket.exists():  # to ask nobody would open the client's breaker
            return False
        with suppress(Unavailable):
            return self.client.ping().workers == 1
        return False

    def renderer(self) -> list[str]:
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[HostilePool]:
    command = [sys.executable, "-m", "tests.imaging.hostile_pool", str(tmp_path / "socket")]
    environment = {"PYTHONPATH": f"{REPOSITORY / 'app'}:{REPOSITORY}"}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment) as process:
        started = HostilePool(process, tmp_path / "socket")
        until(started.answers)
        yield started
        process.kill()


@pytest.mark.parametrize("way", WAYS)
def test_the_next_job_is_done(pool: HostilePool, way: str) -> None:
    with suppress(MezzotintError):
        pool.ask(way, deadline=1.0)
    with suppress(MezzotintError):  # the one that does not listen is found out by it
        pool.ask("good", deadline=0.5)
    assert pool.answers()
    assert pool.ask("good") == {}


def test_answers_that_break_off_keep_nobody_out(pool: HostilePool) -> None:
    for _ in range(FAILURES + 1):
        with pytest.raises(Unavailable, match="broke off"):
            pool.ask("cut")
    assert pool.client.breaker.state is State.CLOSED
    assert pool.ask("good") == {}


def test_who_did_not_answer_has_broken_down(pool: HostilePool) -> None:
    with pytest.raises(RendererDied):
        pool.ask("say_nothing_of_it")


def test_one_that_stays_is_replaced_after_its_jobs(pool: HostilePool) -> None:
    before = pool.renderer()
    for _ in range(RECYCLE):
        assert pool.ask("good") == {}
    until(lambda: len(pool.renderer()) == 1 and pool.renderer() != before)
    assert pool.ask("good") == {}
