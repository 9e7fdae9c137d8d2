"""What a renderer's process must be like before it touches a picture."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

LIBVIPS = (8, 18)
"""The one libvips that decides what variants look like."""
LOWEST_LIBVIPS = (8, 18, 4)
"""Since then it bounds what an AVIF may make it hold, and still reads those of 64 tiles."""
_JEMALLOC = "libjemalloc.so.2"
_JEMALLOC_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 256


def environment() -> dict[str, str]:
    """The environment variables that libvips and the allocator read while the process starts."""
    found = {"VIPS_CONCURRENCY": "1", "VIPS_BLOCK_UNTRUSTED": "1"}
    if any(next(Path(folder).glob(f"**/{_JEMALLOC}"), None) for folder in _JEMALLOC_FOLDERS):
        # Gives back within a second what a large picture needed.
        conf = "dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:2,background_thread:true"
        return found | {"LD_PRELOAD": _JEMALLOC, "MALLOC_CONF": conf}
    return found | {"MALLOC_ARENA_MAX": "2"}


def isolated_environment(policy: Path) -> dict[str, str]:
    """As `environment`, with ImageMagick under the policy in that folder."""
    return environment() | {
        "MAGICK_CONFIGURE_PATH": str(policy.resolve()),
        "MAGICK_THREAD_LIMIT": "1",
        "OMP_NUM_THREADS": "1",
    }


def start_again_in(wanted: Mapping[str, str]) -> None:
    """Replace this process by itself in the `wanted` environment, unless it is in it already."""
    if not wanted.items() <= os.environ.items():
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **wanted})  # noqa: S606


def check_libvips() -> None:
    """Raises SystemExit with one line that says what is wrong with the libvips found, and what to do."""
    mend = "Install it again: pip install --force-reinstall --no-cache-dir pyvips-binary pyvips"
    try:
        import pyvips  # noqa: PLC0415  (only now the environment is right)
    except (ImportError, OSError) as problem:
        sys.exit(f"libvips can't be loaded ({problem}). {mend}")
    version = tuple(pyvips.version(part) for part in range(3))
    if not pyvips.API_mode:
        sys.exit(f"pyvips does not run in API mode, so it uses some other libvips than its wheel's. {mend}")
    if version[:2] != LIBVIPS or version < LOWEST_LIBVIPS:
        series, lowest, found = (".".join(map(str, numbers)) for numbers in (LIBVIPS, LOWEST_LIBVIPS, version))
        sys.exit(f"libvips {found} was found where {series} is wanted, from {lowest} on. {mend}")


def libvips() -> str:
    """The version of the libvips that is loaded."""
    import pyvips  # noqa: PLC0415

    return ".".join(str(pyvips.version(part)) for part in range(3))


def die_with(parent: int) -> None:
    """Let the kernel end this process when `parent` ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def limit(memory_bytes: int, file_bytes: int) -> None:
    """Bound what a picture can make this process take: memory, open files, and what it writes to one of them."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))
