"""The machine that figures were taken on."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import subprocess
from pathlib import Path


def facts(**versions: str) -> str:
    """One line: date, processor, memory, system, the versions of what was measured, and how busy it was besides."""
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    kilobytes = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    said = [
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        f"{os.cpu_count()} cores of {model[1] if model else platform.processor()}",
        f"{int(kilobytes[1]) / 1e6:.0f} GB" if kilobytes else "",
        f"{system[1] if system else platform.system()}, Linux {platform.release()}",
        f"Python {platform.python_version()}",
        *(f"{name} {version}" for name, version in versions.items()),
        f"load {os.getloadavg()[0]:.1f}",
    ]
    return "; ".join(filter(None, said))


def nginx_version() -> str:
    told = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr  # noqa: S607
    return told.strip().rpartition("/")[2]
