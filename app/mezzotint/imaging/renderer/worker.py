"""A renderer: takes one job after the other from its master and answers the caller itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any

from mezzotint.imaging import wire
from mezzotint.model.errors import InternalError, MezzotintError

Handler = Callable[[dict[str, Any], list[int]], tuple[dict[str, Any], bytes]]
"""A job's header and the files it brought to the answer's header and body. Raises MezzotintError."""


def work(channel: socket.socket, handle: Handler, jobs: int, cpu_seconds: float) -> None:
    """Do `jobs` jobs of at most `cpu_seconds` each, then leave, so that whatever libraries leak is bounded.

    The master sends each job's header and the caller's connection, and is told of every step: `ready`, `begun` (what
    happens from now on is this job's doing), `answering` (the caller hears from nobody else any more), `done`.
    """
    _tell(channel, "ready")
    for _ in range(jobs):
        header, descriptors, _, _ = socket.recv_fds(channel, wire.MAX_HEADER, 1 + wire.MAX_FILES)
        if not header:
            return  # the master is gone
        _tell(channel, "begun", computed=time.process_time())
        connection, *files = descriptors
        with socket.socket(fileno=connection) as caller:
            report = _do(channel, caller, json.loads(header), handle, files, cpu_seconds)
        for file in files:
            os.close(file)
        _tell(channel, "done", **report)


def _do(
    channel: socket.socket, caller: socket.socket, header: dict[str, Any], handle: Handler, files: list[int],
    cpu_seconds: float,
) -> dict[str, Any]:  # fmt: skip
    started = time.process_time()
    # Their signals keep their default action: the kernel ends this process on time even inside a codec that never
    # returns, be it that it waits or that many threads of it work.
    left = max(0.001, header["expires"] - time.monotonic())
    signal.setitimer(signal.ITIMER_REAL, left)
    signal.setitimer(signal.ITIMER_PROF, min(left, cpu_seconds))
    body, problem = b"", None
    try:
        answer, body = handle(header, files)
    except MezzotintError as refusal:
        answer = {"error": refusal.code, "detail": refusal.detail}
    except PermissionError:
        answer = {"error": "picture_refused", "detail": "decoding the picture asked for what a renderer may not do"}
    except MemoryError:
        answer = {"error": "picture_refused", "detail": "the picture needs more memory than a renderer has"}
    except Exception:  # noqa: BLE001  (whatever it was, it is this job's alone)
        answer, problem = {"error": InternalError.code}, traceback.format_exc()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    _tell(channel, "answering")
    caller.settimeout(wire.SEND_SECONDS)
    try:
        caller.sendall(wire.pack(answer, len(body)))
        if body:
            caller.sendall(body)
    except OSError:
        answer = {"error": "caller_gone"}
    cpu_ms = round((time.process_time() - started) * 1000, 1)
    return {"outcome": answer.get("error", "ok"), "cpu_ms": cpu_ms, "problem": problem}


def _tell(channel: socket.socket, state: str, **facts: Any) -> None:
    channel.send(json.dumps({"state": state, **facts}).encode())
