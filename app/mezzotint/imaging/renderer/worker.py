"""A renderer: takes one job after the other from its master and answers the caller itself."""

from __future__ import annotations

import json
import signal
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any

from mezzotint.imaging import wire
from mezzotint.model.errors import InternalError, MezzotintError

Handler = Callable[[dict[str, Any]], tuple[dict[str, Any], bytes]]
"""A job's header to the answer's header and body. Raises MezzotintError."""


def work(channel: socket.socket, handle: Handler, jobs: int) -> None:
    """Do `jobs` jobs, then leave, so that whatever libraries leak is bounded.

    The master sends each job's header and the caller's connection, and is told of every step: `ready`, `begun` (what
    happens from now on is this job's doing), `answering` (the caller hears from nobody else any more), `done`.
    """
    _tell(channel, "ready")
    for left in reversed(range(jobs)):
        header, descriptors, _, _ = socket.recv_fds(channel, wire.MAX_HEADER, 1)
        if not header:
            return  # the master is gone
        _tell(channel, "begun")
        with socket.socket(fileno=descriptors[0]) as caller:
            report = _do(channel, caller, json.loads(header), handle)
        _tell(channel, "done", last=left == 0, **report)


def _do(channel: socket.socket, caller: socket.socket, header: dict[str, Any], handle: Handler) -> dict[str, Any]:
    started = time.process_time()
    # SIGALRM keeps its default action: the kernel ends this process on time even inside a codec that never returns.
    signal.setitimer(signal.ITIMER_REAL, max(0.001, header["expires"] - time.monotonic()))
    body, problem = b"", None
    try:
        answer, body = handle(header)
    except MezzotintError as refusal:
        answer = {"error": refusal.code, "detail": refusal.detail}
    except MemoryError:
        answer = {"error": "picture_refused", "detail": "the picture needs more memory than a renderer has"}
    except Exception:  # noqa: BLE001  (whatever it was, it is this job's alone)
        answer, problem = {"error": InternalError.code}, traceback.format_exc()
    _tell(channel, "answering")
    caller.setblocking(True)
    try:
        caller.sendall(wire.pack(answer, len(body)))
        if body:
            caller.sendall(body)
    except OSError:
        answer = {"error": "caller_gone"}
    signal.setitimer(signal.ITIMER_REAL, 0)
    cpu_ms = round((time.process_time() - started) * 1000, 1)
    return {"outcome": answer.get("error", "ok"), "cpu_ms": cpu_ms, "problem": problem}


def _tell(channel: socket.socket, state: str, **facts: Any) -> None:
    channel.send(json.dumps({"state": state, **facts}).encode())
