"""Asks the renderers for pictures."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mezzotint.imaging.decoded import Decoded
from mezzotint.imaging.jobs import Inspection, InspectJob, MezzanineJob, PoolStatus, Rendered, RenderJob, facts_of
from mezzotint.imaging.pool import BREAKDOWNS, Pool, RendererCrashed, RendererDied, RendererStopped
from mezzotint.model.errors import InternalError

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
]

Job = RenderJob | MezzanineJob | InspectJob
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

    def render(self, job: RenderJob) -> Rendered:
        """The variant. Raises OutputTooLarge and what `inspect` raises."""
        facts, data = self._ask("render", job)
        return Rendered(data=data, **facts)

    def mezzanine(self, job: MezzanineJob) -> Rendered:
        """The mezzanine of an original. Raises what `inspect` raises."""
        facts, data = self._ask("mezzanine", job)
        return Rendered(data=data, **facts)

    def inspect(self, job: InspectJob) -> Inspection:
        """The facts of an original. Raises PictureRefused, UnsupportedType, Overloaded, RenderTimeout, Unavailable."""
        facts, _ = self._ask("inspect", job)
        found = Inspection(**facts)
        decoder = self._isolation.decoder(job.source) if self._isolation else None
        # The copy that was looked at is a PNG, which the original is not.
        return replace(found, format=decoder.name, media_type=decoder.media_type) if decoder else found

    def _ask(self, kind: str, job: Job) -> tuple[dict[str, Any], bytes]:
        until = time.monotonic() + job.deadline
        try:
            with self._guard(job):
                if self._isolation:
                    job = replace(job, source=self._isolation.picture(job))
                if self._decoded and isinstance(job, RenderJob):
                    job = self._decoded.instead(job)
                with io.FileIO(job.source) as source:
                    return self._pool.ask(kind, facts_of(job), until - time.monotonic(), [source])
        except FileNotFoundError as problem:
            raise InternalError("the original is not where it was") from problem
