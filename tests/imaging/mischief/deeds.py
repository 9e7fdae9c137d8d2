"""What a codec that was taken over might try."""

import contextlib
import ctypes
import mmap
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MASTER = os.getpid()
"""of the renderers: it has loaded this before it forked them"""


def allocate() -> None:
    held = []
    while True:
        held.append(bytearray(64 << 20))


def loop() -> None:
    while True:
        pass


def wait() -> None:
    time.sleep(3600)


def fork() -> None:
    os._exit(0) if os.fork() == 0 else os.wait()


def execute() -> None:
    os.execv("/bin/true", ["true"])


def connect() -> None:
    socket.socket().connect(("127.0.0.1", 9))


def pair() -> None:
    socket.socketpair()


def read() -> None:
    Path("/etc/passwd").read_text()


def list_folder() -> None:
    list(Path("/").iterdir())


def write() -> None:
    Path("/tmp/mischief").write_text("was here")


def remove() -> None:
    Path(__file__).unlink()


def load_code() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def signal_master() -> None:
    os.kill(MASTER, 0)  # which would be harmless: where the seal is broken, the test fails and nobody is hurt


def signal_everybody() -> None:
    os.kill(-1, 0)


def raise_limits() -> None:
    limits = (ctypes.c_uint64 * 2)(200, 200)
    if ctypes.CDLL(None, use_errno=True).prlimit(MASTER, 7, ctypes.byref(limits), None):
        raise PermissionError(ctypes.get_errno(), "prlimit")


def babble() -> None:
    for file in range(3, 10):
        with contextlib.suppress(OSError):
            os.write(file, b'{"state": "done"')
    time.sleep(3600)


def crash() -> None:
    ctypes.string_at(0)


def spin_in_threads() -> None:
    for _ in range(3):
        threading.Thread(target=loop, daemon=True).start()
    time.sleep(3600)


DEEDS: dict[str, Callable[[], Any]] = {
    deed.__name__: deed
    for deed in (
        allocate, loop, wait, fork, execute, connect, pair, read, list_folder, write, remove, load_code, signal_master,
        signal_everybody, raise_limits, babble, crash, spin_in_threads,
    )
}  # fmt: skip
