"""Asks the renderers for pictures."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from mezzotint.imaging.decoded import Answer, Decoded
from mezzotint.imaging.jobs import (
    Inspection,
    InspectJob,
    MezzanineJob,
    PoolStatus,
    Rendered,
    RenderJob,
    VariantJob,
    facts_of,
)
from mezzotint.imaging.pool import BREAKDOWNS, Pool, RendererCrashed, RendererDied, RendererStopped
from mezzotint.model.errors import InternalError, UnsupportedType

if TYPE_CHECKING:
    from pathlib import Path

    from mezzotint.imaging.isolation import Isolation
    from mezzotint.imaging.sources import Sources

__all__ = [
    "BREAKDOWNS",
    "InspectJob",
    "Inspection",
    "MezzanineJob",
    "PoolStatus",
    "RenderJob",
    "Rendered",
    "RendererCrashed",
    "RendererDied",
    "RendererStopped",
    "Renderers",
    "VariantJob",
]

FileJob = RenderJob | MezzanineJob | InspectJob
Job = VariantJob | MezzanineJob | InspectJob
Guard = Callable[[Job], AbstractContextManager[object]]


class Renderers:
    """The renderers behind the socket at `path`; `isolation` brings them what they don't open themselves.

    `pixels` keeps what they decoded for other sizes. `guard` is around every job, and may refuse it.

    Safe to use from many threads or greenlets. While `breaker` is open, every method raises Unavailable at once.
    """

    def __init__(
        self, path: Path, isolation: Isolation | None = None, guard: Guard = nullcontext, pixels: Sources | None = None
    ) -> None:
        self._pool = Pool(path, "renderers")
        self._isolation = isolation
        self._decoded = Decoded(self._pool, pixels) if pixels else None
        self._guard = guard
        self.breaker = self._pool.breaker
        self.ping = self._pool.ping
        self.check_room = self._pool.check_room

    def render_kept(self, job: VariantJob) -> Rendered | None:
        """The variant, from pixels of the original that are kept; None where there are none. Raises as `render`."""
        if self._decoded is None:
            return None
        with self._guard(job):
            answer = self._decoded.render(job, _end(job))
        return _rendered(answer) if answer else None

    def render(self, job: RenderJob) -> Rendered:
        """The variant. Raises OutputTooLarge and what `inspect` raises."""
        return _rendered(self._ask("render", job))

    def mezzanine(self, job: MezzanineJob) -> Rendered:
        """The mezzanine of an original. Raises what `inspect` raises."""
        return _rendered(self._ask("mezzanine", job))

    def inspect(self, job: InspectJob) -> Inspection:
        """The facts of an original. Raises PictureRefused, UnsupportedType, Overloaded, RenderTimeout, Unavailable."""
        try:
            facts, _ = self._ask("inspect", job)
        except UnsupportedType as problem:
            if self._isolation is None:
                raise
            raise UnsupportedType(f"{problem.detail}, nor {', '.join(self._isolation.formats)}") from problem
        found = Inspection(**facts)
        decoder = self._isolation.decoder(job.source) if self._isolation else None
        # The copy that was looked at is a PNG, which the original is not.
        return replace(found, format=decoder.name, media_type=decoder.media_type) if decoder else found

    def _ask(self, kind: str, job: FileJob) -> Answer:
        until = _end(job)
        try:
            with self._guard(job):
                path = self._isolation.picture(job, until) if self._isolation else job.source
                with io.FileIO(path) as source:

                    def ask(*targets: BinaryIO) -> Answer:
                        return self._pool.ask(kind, facts_of(job), until - time.monotonic(), [source, *targets])

                    if self._decoded and isinstance(job, RenderJob):
                        return self._decoded.render_beside(job, until, ask)
                    return ask()
        except FileNotFoundError as problem:
            raise InternalError("the original is not where it was") from problem


def _end(job: Job) -> float:
    """When the job's time is up."""
    if isinstance(job, VariantJob) and job.until is not None:
        return job.until
    return time.monotonic() + job.deadline


def _rendered(answer: Answer) -> Rendered:
    facts, data = answer
    return Rendered(data=data, **facts)
