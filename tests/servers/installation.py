"""A real installation, or some of its parts, in a private temporary folder, for as long as a test needs it."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import requests

PATIENCE = 240.0  # seconds; a busy machine is slow, not broken


def unprivileged() -> pwd.struct_passwd | None:
    """Whom parts run as when we are root, which PostgreSQL refuses to be: our own user if it exists, else nobody."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("mezzotint")
    except KeyError:
        return pwd.getpwnam("nobody")


def private_folder() -> Path:
    """A short one, since sockets go into it, owned by whoever runs the parts."""
    folder = Path(tempfile.mkdtemp(prefix="mz-", dir="/tmp"))
    if user := unprivileged():
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


def free_port() -> int:
    """One that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class RunningPart:
    """A part as the supervisor last reported it."""

    name: str
    pid: int | None
    ready: bool
    deaths: int

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        assert self.pid is not None, f"{self.name} does not run"
        os.kill(self.pid, number)


def welcome_link(output: Path, kind: str) -> str:
    """The address that the welcome shows for `public picture` or `signed picture`."""
    (line,) = (line for line in output.read_text().splitlines() if line.strip().startswith(kind))
    return line.split()[-1]


@dataclass(frozen=True)
class Stack:
    """A whole running installation. `control` carries the operator's API key; `output` is what scripts/run shows."""

    base_url: str
    control: requests.Session
    folder: Path
    part: Callable[[str], RunningPart]
    output: Path

    def link(self, kind: str) -> str:
        return welcome_link(self.output, kind)


class Installation:
    """`scripts/run` without its installing: the supervisor and the parts named, stopped on leaving the context."""

    def __init__(
        self, *arguments: str, only: Sequence[str] = (), port: int = 0, beneath: str = "",
        programs: Sequence[Path] = (), environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.home = private_folder()
        self.folder = self.home / beneath / "var"
        self.output = self.home / "output"
        self.command = [sys.executable, "-P", "-m", "mezzotint.standalone", "--folder", str(self.folder)]
        self.command += ["--only", ",".join(only)] if only else []
        self.command += ["--port", str(port)] if port else []
        self.command += arguments
        self.environment = environment
        self.programs = self.home / "bin"  # first on PATH
        self.programs.mkdir()
        for program in programs:
            shutil.copy(program, self.programs)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Return when every part is ready. Raises AssertionError with the output when that does not happen."""
        self.process = self.launch()
        end = time.monotonic() + PATIENCE
        while not self.status().get("ready"):
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < end, self.output.read_text()
            time.sleep(0.05)
        return self

    def launch(self) -> subprocess.Popen[bytes]:
        user = unprivileged()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MEZZOTINT_")}
        with self.output.open("ab") as output:
            return subprocess.Popen(
                self.command,
                env={
                    **environment,
                    **self.environment,
                    "HOME": str(self.home),
                    "PATH": f"{self.programs}:{os.environ['PATH']}",
                },
                cwd="/",
                stdout=output,
                stderr=output,
                user=user and user.pw_uid,
                group=user and user.pw_gid,
                extra_groups=[] if user else None,
            )

    def status(self) -> dict[str, Any]:
        try:
            status: dict[str, Any] = json.loads((self.folder / "status.json").read_text())
        except FileNotFoundError:
            return {}
        return status

    def part(self, name: str) -> RunningPart:
        return RunningPart(name, **self.status()["parts"][name])

    def settings(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "mezzotint.toml").read_text())

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """The supervisor's exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    @contextmanager
    def prepared(self) -> Iterator[Self]:
        """Not started: for one that will be refused."""
        try:
            yield self
        finally:
            shutil.rmtree(self.home)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.home)
