"""The supervisor, with parts that are no more than a line of shell."""

import subprocess
import sys
from pathlib import Path

RUN = """
import os, sys
from pathlib import Path
from mezzotint.standalone.part import Part, PartFailed
from mezzotint.standalone.supervisor import Supervisor

folder = Path(sys.argv[1])
parts = [
    Part(name=name, command=("sh", "-c", line), ready=lambda: False, where="", needed=False)
    for name, line in zip(sys.argv[2::2], sys.argv[3::2])
]
supervisor = Supervisor(parts, logs=folder, status_file=folder / "status", inherited=os.open("/dev/null", 0), say=print)
try:
    supervisor.run(lambda: None)
except PartFailed as failure:
    sys.exit(str(failure))
"""


def supervise(folder: Path, **parts: str) -> subprocess.CompletedProcess[str]:
    words = [word for part in parts.items() for word in part]
    command = [sys.executable, "-P", "-c", RUN, str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_part_that_can_not_start_is_told_of_though_others_end_meanwhile(tmp_path: Path) -> None:
    def once(file: str) -> str:
        return f"while [ ! -e {tmp_path}/{file} ]; do sleep 0.05; done"

    early_lives = f"kill -0 $(cat {tmp_path}/early) 2> /dev/null"
    last_work = f"touch {tmp_path}/told; while {early_lives}; do sleep 0.05; done; exit"
    told = supervise(
        tmp_path,
        early=f"echo $$ > {tmp_path}/early; {once('told')}; exit 4",
        slow=f"{once('early')}; trap '{last_work}' TERM; touch {tmp_path}/slow; while :; do sleep 0.05; done",
        failing=f"{once('slow')}; echo no libvips here >&2; exit 3",
    )
    assert told.stderr.splitlines()[0].startswith("failing ended too early.")
    assert told.stderr.splitlines()[1:] == ["    no libvips here"]
    assert [line.split()[:2] for line in told.stdout.splitlines()] == [["failing", "ended"], ["slow", "stopped"]]


def test_last_words_are_of_this_start(tmp_path: Path) -> None:
    for word in ("first", "second"):
        told = supervise(tmp_path, failing=f"echo {word}; exit 3")
        assert told.stderr.splitlines()[1:] == [f"    {word}"]
