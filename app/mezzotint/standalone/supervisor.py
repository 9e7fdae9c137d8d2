"""Starts parts in order, restarts those that die, stops them in reverse order. One thread, no handlers.

The signals that matter are blocked and waited for, so nothing interrupts a step halfway, and it works as well when a
shell started us with `&` and told us to ignore SIGINT.
"""

import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mezzotint.standalone.part import Part, PartFailed

STOP = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
TICK = 0.03  # seconds between two probes of a part that starts or stops
GLANCE = 0.2  # seconds between two looks at parts that are all well
STEADY = 30.0  # seconds of life after which a part that dies is started again at once
BACK_OFF_MAX = 10.0
LOG_KEPT_BYTES = 16 << 20

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """A part and the process that runs it just now, if any."""

    def __init__(self, part: Part, log: Path, inherited: int) -> None:
        self.part = part
        self.log = log
        self.logged_before = 0  # bytes, by those that ran before
        self.inherited = inherited
        self.pid: int | None = None
        self.ready = False
        self.settled = False
        self.deaths = 0
        self.streak = 0  # of deaths in quick succession
        self.started = 0.0
        self.due = 0.0  # when it may be started again

    def start(self) -> None:
        """Raises PartFailed."""
        self.ready = False
        self.started = time.monotonic()
        try:
            self.part.prepare()
            self.pid = self._spawn()
        except PartFailed:
            raise
        except Exception as problem:  # whatever goes wrong in one part must not end the others
            raise PartFailed(f"{self.part.name} can't be started: {problem!r}") from problem

    def _spawn(self) -> int:
        if self.log.exists() and self.log.stat().st_size > LOG_KEPT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.logged_before = log.tell()
            process = subprocess.Popen(
                self.part.command,
                env={**os.environ, **self.part.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(self.inherited,),
                preexec_fn=self._before_exec(),  # noqa: PLW1509 - we have one thread
            )
        process.returncode = 0  # reaped by the supervisor, not by Popen
        return process.pid

    def _before_exec(self) -> Callable[[], None]:
        supervisor = os.getpid()
        last_wish = int(self.part.stop_signal)

        def in_the_child() -> None:
            libc.prctl(PR_SET_PDEATHSIG, last_wish)
            if os.getppid() != supervisor:
                os._exit(1)  # it died before we could ask to be told
            for number in STOP:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())

        return in_the_child

    def becomes_ready(self) -> bool:
        """Ask a part that runs and is not ready; True when it just became so."""
        if self.pid is None or self.ready or not self.part.ready():
            return False
        if not self.settled:
            self.part.settle()
            self.settled = True
        self.ready = True
        return True

    def died(self) -> None:
        """The process ended by itself; its helpers must not keep a port or a lock from the next one."""
        if self.pid is not None:
            kill_group(self.pid, signal.SIGKILL)
        now = time.monotonic()
        self.deaths += 1
        self.streak = 1 if now - self.started > STEADY else self.streak + 1
        self.due = now + min(0.1 * 2 ** (self.streak - 1), BACK_OFF_MAX)
        self.pid = None
        self.ready = False

    def overdue(self) -> bool:
        return not self.ready and time.monotonic() - self.started > self.part.patience

    def last_words(self) -> str:
        """The end of what it has logged since it was started."""
        with self.log.open("rb") as log:
            log.seek(self.logged_before)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n    ".join([f"Its log, {self.log}, ends:", *lines[-5:]])


class Supervisor:
    """Owns the parts from the first start to the last stop.

    `say` is told one line per event; `status_file` always holds each part's state and process id as JSON; `inherited`
    is a file descriptor that every part keeps open, so that a lock on it is held until the last one has ended.
    """

    def __init__(
        self, parts: Sequence[Part], *, logs: Path, status_file: Path, inherited: int, say: Callable[[str], None]
    ) -> None:
        self.children = [Child(part, logs / f"{part.name}.log", inherited) for part in parts]
        self.status_file = status_file
        self.say = say
        self.complete = False  # all have been ready, and whoever waited for that has had its turn
        self.width = max(len(part.name) for part in parts)

    def run(self, when_ready: Callable[[], None]) -> None:
        """Return when a signal asked us to stop and every part has ended.

        Raises:
            PartFailed: a part ended, or was not ready in time, before all had been ready once. The others were stopped.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
        try:
            if self._start_all():
                when_ready()
                self.complete = True
                self._write_status()
                self._watch()
        finally:
            self._stop_all()

    def _start_all(self) -> bool:
        """False: asked to stop meanwhile."""
        for child in self.children:
            child.start()
            if child.part.needed and not self._await([child]):
                return False
        return self._await([child for child in self.children if not child.part.needed])

    def _await(self, children: list[Child]) -> bool:
        """Until all of them are ready; False: asked to stop meanwhile."""
        waiting = children
        while waiting:
            if asked_to_stop(TICK):
                return False
            for dead in self._reap():
                raise PartFailed(f"{dead.part.name} ended too early. {dead.last_words()}")
            for child in waiting:
                if child.becomes_ready():
                    self._report(child, f"ready after {time.monotonic() - child.started:.2f} s")
                elif child.overdue():
                    raise PartFailed(f"{child.part.name} was not ready in time. {child.last_words()}")
            waiting = [child for child in waiting if not child.ready]
        return True

    def _watch(self) -> None:
        while not asked_to_stop(GLANCE if all(child.ready for child in self.children) else TICK):
            self._reap()
            for child in self.children:
                if child.pid is None and time.monotonic() >= child.due:
                    self._start_again(child)
                elif child.pid is not None and child.overdue():
                    kill_group(child.pid, signal.SIGKILL)  # and started again, as any that dies
                elif child.becomes_ready():
                    self._report(child, "ready again")

    def _start_again(self, child: Child) -> None:
        try:
            child.start()
        except PartFailed as failure:
            child.died()
            self.say(f"  {failure}")

    def _reap(self) -> list[Child]:
        """Collect every ended process, also orphans that were handed to us; those of them that were parts."""
        dead: list[Child] = []
        for pid, status in ended():
            for child in self.children:
                if child.pid == pid:
                    child.died()
                    dead.append(child)
                    self._report(child, describe(status))
        return dead

    def _stop_all(self) -> None:
        """Each part in reverse order; a second signal cuts every grace short."""
        hurry = False
        for child in reversed(self.children):
            if child.pid is None:
                continue
            os.kill(child.pid, child.part.stop_signal)
            end = time.monotonic() + child.part.grace
            while not self._has_ended(child) and not hurry and time.monotonic() < end:
                hurry = asked_to_stop(TICK)
            event = "stopped" if child.pid is None else "killed"
            if child.pid is not None:
                kill_group(child.pid, signal.SIGKILL)
            self._report(child, event)
        self._kill_leftovers()
        self.status_file.unlink(missing_ok=True)

    def _has_ended(self, child: Child) -> bool:
        gone = {pid for pid, _ in ended()}  # others too, who were not told to
        for each in self.children:
            if each.pid is not None and each.pid in gone:
                kill_group(each.pid, signal.SIGKILL)
                each.pid = None
        return child.pid is None

    def _kill_leftovers(self) -> None:
        end = time.monotonic() + 5.0
        while (leftovers := children_of(os.getpid())) and time.monotonic() < end:
            for pid in leftovers:
                os.kill(pid, signal.SIGKILL)
            time.sleep(TICK)
            ended()

    def _report(self, child: Child, event: str) -> None:
        self.say(f"  {child.part.name:<{self.width}}  {event:<20}  {child.part.where}")
        self._write_status()

    def _write_status(self) -> None:
        parts = {
            child.part.name: {"pid": child.pid, "ready": child.ready, "deaths": child.deaths} for child in self.children
        }
        fresh = self.status_file.with_suffix(".new")
        fresh.write_text(json.dumps({"pid": os.getpid(), "ready": self.complete, "parts": parts}))
        fresh.replace(self.status_file)


def asked_to_stop(seconds: float) -> bool:
    """Wait so long, unless a signal that ends us comes; True when one did."""
    told = signal.sigtimedwait(STOP, seconds)
    # Stopped and continued past the end (Ctrl-Z, fg), Python tells of a signal that nobody sent.
    return told is not None and told.si_signo in STOP


def ended() -> list[tuple[int, int]]:
    """Process id and wait status of every child that has ended since the last call."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, status))


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # nobody of the group is left
        os.killpg(pid, number)


def describe(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"died of {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with {os.waitstatus_to_exitcode(status)}"
