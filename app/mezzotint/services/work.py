"""Background work: jobs that are due are done one at a time, by whoever asks for one.

A job is a row that was written with the change that asks for it. It is claimed for the time of a lease before it is
begun, and its row goes only after it is done: a worker that dies at any moment leaves a row that is due again. So every
job may run twice, and doing it twice does no harm.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from mezzotint.data import jobs
from mezzotint.data.postgres import Database, Transaction
from mezzotint.model.errors import (
    InvalidOperation,
    NotFound,
    OutputTooLarge,
    PictureRefused,
    PolicyRefused,
    UnsupportedType,
)
from mezzotint.model.job import Job

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 3600.0
_HOPELESS = (PictureRefused, UnsupportedType, InvalidOperation, OutputTooLarge, PolicyRefused)
"""What another attempt would meet again."""

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that comes back `every` so many seconds; one row for all workers, so one of them does it.

    `do` is handed what it returned the last time, {} at first. It begins there at once, unless it returned {} or
    something with a true `wait`: then it is done for now.
    """

    do: Callable[[Payload], Payload]
    every: float


class Work:
    """Does what is due. `tasks` by kind of job, `chores` by theirs; `lease` is longer than any of them may take."""

    def __init__(
        self,
        database: Database,
        tasks: Mapping[str, Callable[[Job], None]],
        chores: Mapping[str, Chore],
        *,
        lease: float,
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._chores = chores
        self._lease = lease
        self._has_chores = False

    def one(self) -> bool:
        """Do the job that is due longest; says whether there was one. Raises Unavailable when PostgreSQL is away."""
        with self._database.operator() as tx:
            self._write_chores(tx)
            claimed = jobs.claim(tx, *self._tasks, *self._chores, limit=1, lease=self._lease)
        for job in claimed:
            with structlog.contextvars.bound_contextvars(job=str(job.id), kind=job.kind):
                self._attempt(job)
        return bool(claimed)

    def _write_chores(self, tx: Transaction) -> None:
        if not self._has_chores:
            for kind in self._chores:
                jobs.enqueue(tx, kind, {}, once="chore")
            self._has_chores = True

    def _attempt(self, job: Job) -> None:
        if job.attempts > MOST_ATTEMPTS and job.kind in self._tasks:
            self._fail(job, "every worker that began it died", retry_in=None)
            return
        try:
            rest, pause = self._do(job)
        except NotFound:
            log.info("job_moot")  # what it is about was deleted meanwhile
            rest, pause = {}, None
        except _HOPELESS as problem:
            self._fail(job, _said(problem), retry_in=None)
            return
        except Exception as problem:
            log.warning("job_failed", attempts=job.attempts, exc_info=True)
            last = job.attempts >= MOST_ATTEMPTS and job.kind in self._tasks
            self._fail(job, _said(problem), retry_in=None if last else pause_after(job.attempts))
            return
        with self._database.operator() as tx:
            if pause is None:
                jobs.finish(tx, [job.id])
            else:
                jobs.put_off(tx, job.id, rest, pause)
        tell = log.debug if job.kind in self._chores else log.info
        tell("job_done", attempts=job.attempts)

    def _do(self, job: Job) -> tuple[Payload, float | None]:
        """What is left to do, and in how many seconds; None: nothing."""
        chore = self._chores.get(job.kind)
        if chore is None:
            self._tasks[job.kind](job)
            return {}, None
        rest = chore.do(job.payload)
        return rest, chore.every if not rest or rest.get("wait") else 0.0

    def _fail(self, job: Job, why: str, *, retry_in: float | None) -> None:
        if retry_in is None:
            log.error("job_given_up", attempts=job.attempts, problem=why)
        with self._database.operator() as tx:
            jobs.fail(tx, job.id, why, retry_in=retry_in)


def pause_after(attempts: int) -> float:
    """Seconds to wait after so many attempts: three times as long each time, and not all at the same moment."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 3.0 ** min(attempts - 1, 10)) * random.uniform(0.5, 1.0)  # noqa: S311


def _said(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"[:500]
