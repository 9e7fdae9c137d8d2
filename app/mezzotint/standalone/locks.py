"""File locks that end with the last process that has the file open, so a crash never leaves one behind."""

import fcntl
import os
import time
from pathlib import Path


class Taken(Exception):
    """Somebody holds the lock; says who wrote their process id last."""


def lock(path: Path, patience: float = 0.0) -> int:
    """A file descriptor that holds the lock: keep it open.

    Raises:
        Taken: it did not become free within `patience` seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                holder = os.pread(descriptor, 20, 0).decode()
                os.close(descriptor)
                raise Taken(f"process {holder}") from None
            time.sleep(0.05)
        else:
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return descriptor
