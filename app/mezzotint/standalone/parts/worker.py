"""The worker, for what nobody waits for."""

import sys

from mezzotint.settings import Settings
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.part import Part

READY = "worker.ready"


def part(layout: Layout, settings: Settings) -> Part:
    ready = layout.sockets / READY
    return Part(
        name="worker",
        needed=False,
        command=(sys.executable, "-P", "-m", "mezzotint.worker"),
        ready=ready.exists,
        where=f"{settings.worker.processes} processes",
        prepare=lambda: ready.unlink(missing_ok=True),
        environment={"MEZZOTINT_WORKER_READY": str(ready), "HOME": str(layout.root)},
        grace=30.0,  # the job at work is finished first
    )
