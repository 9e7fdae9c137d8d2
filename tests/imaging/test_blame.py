"""Whose doing it is that a job took too long."""

import os
import subprocess
import sys

import pytest

from mezzotint.imaging.renderer.blame import sleeps, used_its_time
from tests.imaging.pool import until


@pytest.mark.parametrize(
    ("computed", "had", "own"), [(0.49, 1.0, False), (0.5, 1.0, True), (4.9, 20.0, False), (5.0, 20.0, True)]
)
def test_who_used_his_time(computed: float, had: float, *, own: bool) -> None:
    assert used_its_time(computed, had) is own


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
        # Again and again: one that is about to sleep wants to compute for as long as it waits for a processor.
        until(lambda: (sum(sleeps(process.pid) for _ in range(20)) > 10) is asleep)
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
