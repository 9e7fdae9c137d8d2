"""The renderers' master: takes jobs, lets them wait their turn, hands them to idle renderers, replaces dead ones."""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import structlog

from mezzotint.imaging import wire
from mezzotint.imaging.jobs import PoolStatus, fields_of
from mezzotint.imaging.renderer.blame import sleeps, used_its_time
from mezzotint.imaging.renderer.queue import FairQueue

log = structlog.get_logger(__name__)

_BACKLOG = 1024
_HEADER_SECONDS = 5.0
"""to send a job once connected"""
_LONGEST_SECONDS = 3600.0
"""that a job may ask for"""
_GRACE_SECONDS = 0.5
"""past its deadline, after which a renderer that should have died by its own timer is killed"""
_LOOKS, _LOOK_SECONDS = 5, 0.01
"""at a renderer just before its deadline: one that waits sleeps at most of them"""
_RESPAWN_SECONDS = 1.0
"""between two tries to start a renderer that died before it was ready"""
_STOP_SECONDS = 10.0
_REPORT_BYTES = 64 * 1024
_FIRST_FILE, _LAST_FILE = 3, 1 << 20
"""the file descriptors behind the standard ones"""
_TIME_IS_UP = (signal.SIGALRM, signal.SIGPROF, signal.SIGXCPU)

Job = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How large the pool is and how much it lets wait; see the settings of the same names."""

    socket: Path
    workers: int
    background: int
    queue: int
    queue_per_tenant: int
    memory_bytes: int
    recycle: int
    cpu_seconds: float
    """that a job may take, on all of the renderer's threads together"""
    nice: int = 0
    """how far they stand back behind other programs, 0 to 19"""
    file_bytes: int = 0
    """that a job may write into the file it brings for that"""


@dataclass(eq=False, slots=True)
class _Caller:
    """A connection and the job it brings; `expires` is when to give up on what it does now."""

    connection: socket.socket
    expires: float
    files: list[int] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    job: Job | None = None

    @property
    def tenant(self) -> str:
        return str(self.job["tenant"]) if self.job else ""

    @property
    def background(self) -> bool:
        return bool(self.job and self.job.get("background"))

    @property
    def given(self) -> bool:
        """Whether the renderer, from now on, has at least half of the job's time: the rest went by in the queue."""
        left = self.expires - time.monotonic()
        return self.job is not None and left >= float(self.job["deadline"]) / 2

    def close(self) -> None:
        self.connection.close()
        for file in self.files:
            os.close(file)
        self.files.clear()


@dataclass(eq=False, slots=True)
class _Worker:
    """A renderer process and what it is at."""

    pid: int
    channel: socket.socket
    background: bool
    """whether it is one of those that only do what nobody waits for"""
    ready: bool = False
    leaving: bool = False
    caller: _Caller | None = None
    done: int = 0
    """jobs"""
    handed: float = 0.0
    """when it got the job that it is at"""
    begun: bool = False
    computed: float = 0.0
    """seconds of all its threads, before that job"""
    given: bool = False
    """whether it has most of the job's time to itself"""
    answering: bool = False
    killed: bool = False
    look_at: float = math.inf
    """when to see whether it sleeps"""
    looks: int = 0
    asleep: int = 0
    """of the looks"""

    @property
    def idle(self) -> bool:
        return self.ready and not self.leaving and self.caller is None


class Master:
    """One thread around one selector. `renderer` is what a forked process runs with its channel; it never returns.

    `unfit` says why no job can be done here at all: then none is taken.
    """

    def __init__(
        self, settings: PoolSettings, renderer: Callable[[socket.socket], NoReturn], libvips: str, unfit: str = ""
    ) -> None:
        self._settings = settings
        self._unfit = unfit
        self._renderer = renderer
        self._libvips = libvips
        # Renderers and a line of their own for what nobody waits for: requests never stand behind it.
        self._queues: dict[bool, FairQueue[_Caller]] = {
            background: FairQueue(settings.queue, settings.queue_per_tenant) for background in (False, True)
        }
        self._wanted = {False: 0 if unfit else settings.workers, True: 0 if unfit else settings.background}
        self._callers: set[_Caller] = set()
        """those that wait: to be read, or for a renderer"""
        self._workers: set[_Worker] = set()
        self._spawn_after = 0.0
        self._asked_to_stop = False
        self._stopping_until: float | None = None
        self._selector = selectors.DefaultSelector()
        self._listener = _listen(settings.socket)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._wake_in, self._wake_out = socket.socketpair()
        for end in (self._wake_in, self._wake_out):
            end.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ, lambda: self._wake_out.recv(_REPORT_BYTES))

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then let the jobs at work finish."""
        signal.set_wakeup_fd(self._wake_in.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        log.info("renderers_started", socket=str(self._settings.socket), workers=self._settings.workers)
        while self._stopping_until is None or (self._busy and time.monotonic() < self._stopping_until):
            self._spawn()
            for key, _ in self._selector.select(self._seconds_to_wait()):
                key.data()
            if self._asked_to_stop:
                self._stop()
            self._expire()
            self._dispatch()
        self._settings.socket.unlink(missing_ok=True)
        self._listener.close()
        for worker in self._workers:
            os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
        log.info("renderers_stopped")

    @property
    def _busy(self) -> int:
        return sum(worker.caller is not None for worker in self._workers)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True

    def _stop(self) -> None:
        """From now on only those who wait for a job at work get more than a refusal: they ask whether we live."""
        if self._stopping_until is None:
            self._stopping_until = time.monotonic() + _STOP_SECONDS
            for caller in [caller for caller in self._callers if caller.job is not None]:
                self._refuse_while_stopping(caller)

    # Callers

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # gone again, or too many open files: it waits in the backlog
            return
        connection.setblocking(False)
        caller = _Caller(connection, time.monotonic() + _HEADER_SECONDS)
        self._callers.add(caller)
        self._selector.register(connection, selectors.EVENT_READ, partial(self._read, caller))

    def _read(self, caller: _Caller) -> None:
        try:
            data, files, _, _ = socket.recv_fds(
                caller.connection, wire.MAX_HEADER, wire.MAX_FILES, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError:
            data, files = b"", []
        caller.files += files
        if not data or caller.job is not None:  # gone, or talking out of turn
            self._dismiss(caller)
            return
        caller.received += data
        try:
            job = wire.unpack(bytes(caller.received))
            if job is not None:
                self._take(caller, job)
        except (wire.BrokenMessage, KeyError, TypeError, ValueError):
            self._refuse(caller, "internal_error", "not a job")

    def _take(self, caller: _Caller, job: Job) -> None:
        if job["kind"] == "ping":
            status = PoolStatus(self._wanted[False], self._busy, len(self._queues[False]), self._libvips)
            self._answer(caller, fields_of(status))
            return
        if not float(job["expires"]) < time.monotonic() + _LONGEST_SECONDS:
            raise ValueError("a job without an end")
        if not caller.files or not float(job["deadline"]) > 0:
            raise ValueError("a job without a file or a deadline")
        caller.job, caller.expires = job, float(job["expires"])
        self._line_up(caller)

    def _line_up(self, caller: _Caller) -> None:
        if self._stopping_until is not None:
            self._refuse_while_stopping(caller)
        elif self._unfit:
            self._refuse(caller, "unsupported_type", self._unfit)
        elif not self._wanted[caller.background] or not self._queues[caller.background].push(caller.tenant, caller):
            full = self._queues[caller.background].is_full_of(caller.tenant)
            self._refuse(caller, "overloaded", "too many pictures are waiting to be made", full=full)

    def _refuse_while_stopping(self, caller: _Caller) -> None:
        self._refuse(caller, "unavailable", "the renderers are being stopped")

    def _refuse(self, caller: _Caller, code: str, detail: str, **more: bool) -> None:
        if caller.job is not None:
            log.warning("job_refused", code=code, tenant_id=caller.tenant, kind=caller.job["kind"])
        self._answer(caller, {"error": code, "detail": detail, "retry_after": 1, **more})

    def _answer(self, caller: _Caller, answer: dict[str, Any]) -> None:
        with suppress(OSError):
            caller.connection.send(wire.pack(answer))
        self._dismiss(caller)

    def _dismiss(self, caller: _Caller) -> None:
        """Forget a caller that no renderer has."""
        if caller in self._callers:
            self._callers.remove(caller)
            self._selector.unregister(caller.connection)
            if caller.job is not None:
                self._queues[caller.background].remove(caller.tenant, caller)
        caller.close()

    # Renderers

    def _spawn(self) -> None:
        if time.monotonic() < self._spawn_after:
            return
        for background in self._missing():
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.setblocking(False)  # whatever a renderer does, nobody waits for it
            pid = os.fork()
            if pid == 0:
                os.nice(self._settings.nice)
                if background:  # it takes what time even those leave
                    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
                self._become_renderer(theirs)
            theirs.close()
            worker = _Worker(pid, ours, background)
            self._workers.add(worker)
            self._selector.register(ours, selectors.EVENT_READ, partial(self._hear, worker))

    def _missing(self) -> list[bool]:
        """A `background` for each renderer to start."""
        if self._stopping_until is not None:
            return []
        there = Counter(worker.background for worker in self._workers)
        return [kind for kind, wanted in self._wanted.items() for _ in range(wanted - there[kind])]

    def _become_renderer(self, channel: socket.socket) -> NoReturn:
        signal.set_wakeup_fd(-1)
        # Nothing of the master's stays open: no caller waits for one that we hold, and no job sees another's picture.
        os.closerange(_FIRST_FILE, channel.fileno())
        os.closerange(channel.fileno() + 1, _LAST_FILE)
        self._renderer(channel)

    def _dispatch(self) -> None:
        for worker in [worker for worker in self._workers if worker.idle]:
            caller = self._queues[worker.background].pop()
            if caller is None:
                continue
            self._callers.remove(caller)
            self._selector.unregister(caller.connection)
            worker.caller, worker.given = caller, caller.given
            worker.begun = worker.answering = False
            worker.looks = worker.asleep = 0
            worker.handed, worker.look_at = time.monotonic(), caller.expires - _LOOKS * _LOOK_SECONDS
            header = json.dumps(caller.job).encode()
            try:
                socket.send_fds(worker.channel, [header], [caller.connection.fileno(), *caller.files])
            except BlockingIOError:  # it does not listen
                os.kill(worker.pid, signal.SIGKILL)
            except OSError:  # it died this moment: its end of the channel will say so
                pass

    def _hear(self, worker: _Worker) -> None:
        try:
            report = worker.channel.recv(_REPORT_BYTES)
        except BlockingIOError:
            return
        except OSError:
            report = b""
        if not report:
            self._bury(worker)
            return
        try:
            self._heed(worker, json.loads(report))
        except Exception:  # noqa: BLE001  (it is not our code any more that speaks there)
            log.warning("renderer_babbles", pid=worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    def _heed(self, worker: _Worker, said: Job) -> None:
        match said.pop("state"):
            case "ready":
                worker.ready = True
            case "begun":
                worker.begun, worker.computed = True, float(said["computed"])
            case "answering" if worker.caller is not None and not worker.answering:
                worker.answering, worker.look_at = True, math.inf
                worker.caller.expires = time.monotonic() + wire.SEND_SECONDS
            case "done" if worker.caller is not None and worker.answering:
                _log_done(worker.caller, said)
                worker.caller.close()
                worker.caller, worker.look_at = None, math.inf
                worker.done += 1
                worker.leaving = worker.done >= self._settings.recycle
                if worker.leaving:  # whether it would by itself or not
                    os.kill(worker.pid, signal.SIGKILL)
            case state:
                raise ValueError(f"{state} is not what comes now")

    def _bury(self, worker: _Worker) -> None:
        os.kill(worker.pid, signal.SIGKILL)  # it may have closed its end and live on
        _, status, usage = os.wait4(worker.pid, 0)
        self._workers.remove(worker)
        self._selector.unregister(worker.channel)
        worker.channel.close()
        code = os.waitstatus_to_exitcode(status)
        if not worker.ready:
            self._spawn_after = time.monotonic() + _RESPAWN_SECONDS
        if not worker.leaving:
            log.warning("renderer_died", pid=worker.pid, code=code)
        caller = worker.caller
        if caller is None:
            return
        if worker.answering:  # what was sent can't be taken back; closing tells the caller that it is not whole
            caller.close()
        elif not worker.begun:  # it died idle, just before this job came
            self._callers.add(caller)
            self._selector.register(caller.connection, selectors.EVENT_READ, partial(self._read, caller))
            self._line_up(caller)
        elif worker.killed or -code in _TIME_IS_UP:
            computed, had = usage.ru_utime + usage.ru_stime - worker.computed, time.monotonic() - worker.handed
            if worker.given and (worker.asleep > _LOOKS // 2 or used_its_time(computed, had)):
                self._refuse(caller, "render_timeout", "the picture took too long to make")
            else:
                self._refuse(caller, "overloaded", "there was too little time for the picture")
        elif code == -signal.SIGKILL:
            self._refuse(caller, "renderer_died", "the renderer was killed at work on this picture")
        else:
            self._refuse(caller, "renderer_crashed", "the renderer broke down over this picture")

    # Time

    def _seconds_to_wait(self) -> float | None:
        moments = [caller.expires for caller in self._callers]
        moments += [worker.look_at for worker in self._workers]
        moments += [worker.caller.expires + _GRACE_SECONDS for worker in self._workers if worker.caller is not None]
        if self._missing():
            moments.append(self._spawn_after)
        if self._stopping_until is not None:
            moments.append(self._stopping_until)
        soonest = min(moments, default=math.inf)
        return None if soonest == math.inf else max(0.0, soonest - time.monotonic())

    def _expire(self) -> None:
        now = time.monotonic()
        for caller in [caller for caller in self._callers if caller.expires <= now]:
            self._refuse(caller, "overloaded", "the picture waited too long for its turn")
        for worker in self._workers:
            if worker.look_at <= now:
                worker.looks += 1
                worker.asleep += sleeps(worker.pid)
                worker.look_at = now + _LOOK_SECONDS if worker.looks < _LOOKS else math.inf
            if worker.caller is not None and not worker.killed and worker.caller.expires + _GRACE_SECONDS <= now:
                os.kill(worker.pid, signal.SIGKILL)
                worker.killed = True


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def _log_done(caller: _Caller, report: dict[str, Any]) -> None:
    facts = {"tenant": caller.tenant, "kind": caller.job["kind"] if caller.job else "", **report}
    if report["problem"]:
        log.error("job_failed", **facts)
    else:
        log.info("job_done", **facts)
