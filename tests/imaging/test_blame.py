"""Whose doing it is that a job took too long."""

import os
import subprocess
import sys

import pytest

from mezzotint.imaging.renderer.blame import Begun, sleeps
from tests.imaging.pool import until


@pytest.mark.parametrize(("computed", "own"), [(13.9, False), (14.0, True), (30.0, True)])
def test_what_computed_for_half_of_its_time_used_it(computed: float, *, own: bool) -> None:
    assert Begun(100.0, 9.0).used_its_time(110.0, computed) is own


@pytest.mark.parametrize(
    ("doing", "asleep"),
    [
        ("time.sleep(60)", True),
        ("while True: time.sleep(0.01)", True),
        ("while True: pass", False),
        ("threading.Thread(target=lambda: [1 for _ in iter(int, 1)]).start(); time.sleep(60)", False),
    ],
)
def test_who_sleeps_and_who_wants_to_compute(doing: str, *, asleep: bool) -> None:
    script = f"import threading, time\nprint(flush=True)\n{doing}"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        until(lambda: sleeps(process.pid) is asleep)
        assert [sleeps(process.pid) for _ in range(20)] == [asleep] * 20
        process.kill()


def test_a_name_does_not_fool_it() -> None:
    script = "import time; open('/proc/self/comm', 'w').write('a) R b'); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        until(lambda: sleeps(process.pid))
        process.kill()


def test_who_is_gone_is_said_nothing_of() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert not sleeps(pid)
