"""Originals of which more than one size is asked for, decoded once: the pixels are kept, and renderers map them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, BinaryIO

from cachetools import LRUCache

from mezzotint.imaging.geometry import MEZZANINE_SIDE
from mezzotint.imaging.jobs import ENGINE, RenderJob, VariantJob, facts_of
from mezzotint.imaging.pool import Pool, RendererDied, RendererStopped
from mezzotint.imaging.sources import Sources
from mezzotint.model.errors import InternalError, PictureRefused, RenderTimeout, UnsupportedType

PIXELS_BYTES = 4 * MEZZANINE_SIDE**2 + 4096
"""that one picture's pixels may take, with what is said of them"""
_REMEMBERED = 10_000
"""originals that were asked for once"""
_PATIENCE = 1 / 4
"""of a job's time may go by while another one decodes its original"""
_RETRY_SECONDS = 60.0
"""without trying to keep pixels, once there was no room for them"""

Answer = tuple[dict[str, Any], bytes]


class _NoRoom(OSError):
    """The renderer could not write all of it."""


class Decoded:
    """Pixels kept in `sources`, by the tenant and the original's content hash. Decoding is the renderers' of `pool`."""

    def __init__(self, pool: Pool, sources: Sources) -> None:
        self._pool = pool
        self._sources = sources
        self._once: LRUCache[str, None] = LRUCache(_REMEMBERED)
        self._full_until = 0.0

    def render(self, job: VariantJob, until: float) -> Answer | None:
        """The renderers' answer from kept pixels; None where there are none. Raises what `Pool.ask` raises."""
        name = kept_as(job)
        pixels = self._sources.open(name) if name else None
        if name is None or pixels is None:
            return None
        facts = facts_of(RenderJob.of(job, pixels.fileno(), job.upright, decoded=True))
        with pixels:
            try:
                return self._pool.ask("render", facts, until - time.monotonic(), [pixels])
            except RendererStopped as stopped:  # nothing of the original was decoded, so it is not to blame
                raise RenderTimeout(stopped.detail) from stopped
            except (RendererDied, PictureRefused, UnsupportedType, InternalError):  # RendererCrashed is the second
                self._sources.drop(name)  # damaged, or another engine's: the original knows better
                return None

    def render_beside(self, job: RenderJob, until: float, render: Callable[..., Answer]) -> Answer:
        """The answer of `render`, which asks for `job`; or from pixels that are kept, or worth it from now on.

        Given a file, `render` asks for the pixels too. Raises what it raises.
        """
        name = kept_as(job)
        if name is None or self._is_new(name) or time.monotonic() < self._full_until:
            return render()
        with self._sources.alone(name, job.deadline * _PATIENCE) as alone:
            if alone and not self._sources.has(name):
                return self._keep(name, render)
        return self.render(job, until) or render()

    def _keep(self, name: str, render: Callable[..., Answer]) -> Answer:
        answer = None

        def decode(target: BinaryIO) -> None:
            nonlocal answer
            answer = render(target)
            if not answer[0]["kept"]:
                raise _NoRoom

        try:
            self._sources.make(name, decode)
        except OSError:
            self._full_until = time.monotonic() + _RETRY_SECONDS
        return answer or render()

    def _is_new(self, name: str) -> bool:
        """Whether this is the first time, as far as is remembered: to decode more than one size wants is a waste."""
        if name in self._once:
            return False
        self._once[name] = None
        return True


def kept_as(job: VariantJob) -> str | None:
    """What the pixels of the job's original are kept as; None where they are not."""
    kept = job.upright is not None and job.content_hash is not None
    return f"{ENGINE}/{job.tenant}/{job.content_hash}" if kept else None
