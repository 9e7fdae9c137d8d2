"""What a bench needs and the project does not: installed when first wanted, outside the repository."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("MEZZOTINT_CACHE") or Path.home() / ".cache/mezzotint") / "bench"
SHARP = "0.35.5"
SSIMULACRA2 = "0.5.2"


class Missing(Exception):
    """A tool that can't be had here: says which and why."""


def sharp() -> Path:
    """A folder whose `node_modules` holds sharp. Raises Missing."""
    folder = CACHE / f"sharp-{SHARP}"
    return _once(folder, lambda: _run("npm", "install", "--silent", "--prefix", folder, f"sharp@{SHARP}"))


def ssimulacra2() -> Path:
    """The command ssimulacra2_rs; building it takes some minutes. Raises Missing."""
    folder = CACHE / f"ssimulacra2-{SSIMULACRA2}"
    source = ("--locked", "--no-default-features", f"ssimulacra2_rs@{SSIMULACRA2}")
    return _once(folder, lambda: _run("cargo", "install", "--quiet", "--root", folder, *source)) / "bin/ssimulacra2_rs"


def numpy() -> Any:
    """The module. Raises Missing."""
    folder = CACHE / f"numpy-python{sys.version_info.major}.{sys.version_info.minor}"
    _once(folder, lambda: _run(sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "numpy"))
    sys.path.append(str(folder))
    return importlib.import_module("numpy")


def debian(packages: Sequence[str]) -> Path:
    """A folder that holds what is in these packages; nothing is installed. Raises Missing."""
    folder = CACHE / "debian"

    def unpack() -> None:
        folder.mkdir(parents=True)
        _run("apt-get", "-qq", "download", *packages, cwd=folder)
        for package in folder.glob("*.deb"):
            _run("dpkg-deb", "--extract", package, folder)
            package.unlink()

    return _once(folder, unpack)


def _once(folder: Path, install: Callable[[], None]) -> Path:
    done = folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        install()
        done.touch()
    return folder


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    sys.stderr.write(f"bench: {' '.join(map(str, command))}\n")
    try:
        subprocess.run(command, cwd=cwd, check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise Missing(f"{command[0]}: {problem}") from problem
