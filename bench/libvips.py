"""`python -m bench.libvips FORMAT QUALITY FILE=WIDTHxHEIGHT…`: done by bare libvips calls; prints CPU seconds."""

from __future__ import annotations

import sys
import time

import pyvips

_ANY = 10_000_000


def main() -> None:
    format, quality, *jobs = sys.argv[1:]
    pyvips.cache_set_max(0)
    started = time.process_time()
    for job in jobs:
        file, _, size = job.rpartition("=")
        width, _, height = size.partition("x")
        crop = {"height": int(height), "crop": "centre"} if height else {"height": _ANY}
        options = {"optimize_coding": True} if format == "jpeg" else {}
        pyvips.Image.thumbnail(file, int(width), **crop).write_to_buffer(
            f".{format}", Q=int(quality), keep="none", **options
        )
    sys.stdout.write(f"{time.process_time() - started}\n")


if __name__ == "__main__":
    main()
