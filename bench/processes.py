"""What a tree of processes has used, from /proc."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_NANOSECOND = 1e-9


def cpu_seconds(root: int) -> float:
    """User and system time of the process `root` and all below it, those that have ended included."""
    return sum(map(_used, tree(root)))


def own_cpu_seconds(pid: int) -> float:
    """Time on a core of one process of one thread, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) * _NANOSECOND


def tree(root: int) -> Iterator[int]:
    """`root` and every process below it."""
    yield root
    try:
        children = [
            child for file in Path(f"/proc/{root}/task").glob("*/children") for child in file.read_text().split()
        ]
    except OSError:
        return  # it ended meanwhile, and its parent answers for it
    for child in children:
        yield from tree(int(child))


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def resident(pid: int) -> float:
    """MB of memory, what is shared included."""
    (kilobytes,) = re.findall(r"VmRSS:\s*(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) / 1000


def _used(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) * _TICK  # its own, and its dead children's
