"""The background worker: each second Celery's tasks are told to look, and whoever hears it does what is due.

A message says no more than that: what there is to do stands in rows (see `services.work`), which a worker claims by
itself. So a broker that loses every message, or a worker that is killed at any moment, loses no work: it rings again
within a second, and a claim that nobody finished is due again when its lease ends. A ring that nobody heard expires.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging, worker_process_init, worker_ready
from kombu.exceptions import OperationalError

from mezzotint import logs, settings, wiring
from mezzotint.model.errors import Unavailable

EVERY = 1.0
READY = "MEZZOTINT_WORKER_READY"
"""The environment variable that names a file to touch once the worker listens."""

_settings = settings.load()
_house: wiring.House | None = None


def broker(found: settings.Settings) -> str:
    """The Celery URL of the broker; Celery spells a Redis on a socket in its own way."""
    url = found.worker.broker or found.redis.url
    return url.replace("unix://", "redis+socket://", 1)


app = Celery("mezzotint", broker=broker(_settings))
app.conf.update(
    task_default_queue="mezzotint",
    task_ignore_result=True,
    task_time_limit=_settings.worker.job_seconds,
    worker_concurrency=_settings.worker.processes,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,  # none of ours: a ring is acknowledged when it is heard
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"global_keyprefix": "mz:worker:", "socket_timeout": 5, "socket_connect_timeout": 5},
)


def house() -> wiring.House:
    """This process's own, built after it was forked: connections are not shared."""
    global _house  # noqa: PLW0603
    if _house is None:
        _house = wiring.build(_settings)
    return _house


@app.task(name="work")
def work() -> None:
    """Do one due job; where there was one there may be more."""
    try:
        found = house().work.one()
    except Unavailable:
        return  # it rings again
    if found:
        work.apply_async(expires=EVERY)


@app.task(name="publish")
def publish() -> None:
    """Tell the edges what has changed, as the control plane does too."""
    house().publisher.tend()


class Bell(bootsteps.StartStopStep):
    """Rings in the worker's own loop: a beat process of its own could die, and leave workers that hear nothing."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        worker.timer.call_repeatedly(EVERY, self.ring)

    def ring(self) -> None:
        for task in (publish, *[work] * _settings.worker.processes):
            with suppress(OperationalError):  # the broker is away, which the consumer tells of
                task.apply_async(expires=EVERY, retry=False)


app.steps["worker"].add(Bell)


@setup_logging.connect
def _log(**_: Any) -> None:
    logs.configure(_settings.logging.level)
    for chatter in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(chatter).setLevel(logging.WARNING)  # a line for each ring would drown what was done


@worker_process_init.connect
def _build(**_: Any) -> None:
    house()


@worker_ready.connect
def _tell(**_: Any) -> None:
    if READY in os.environ:
        with open(os.environ[READY], "w"):  # noqa: PTH123
            pass


def main() -> None:
    """Run until SIGTERM; jobs at work are finished first."""
    app.worker_main(["--quiet", "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"])


if __name__ == "__main__":
    main()
