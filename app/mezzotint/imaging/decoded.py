"""Originals of which more than one size is asked for, decoded once: the pixels are kept, and renderers map them."""

from __future__ import annotations

import io
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from cachetools import LRUCache

from mezzotint.imaging.geometry import MEZZANINE_SIDE
from mezzotint.imaging.jobs import PixelsJob, RenderJob, facts_of
from mezzotint.imaging.pool import Pool
from mezzotint.imaging.sources import Sources
from mezzotint.model.errors import InternalError

PIXELS_BYTES = 4 * MEZZANINE_SIDE**2 + 4096
"""that one picture's pixels may take, with what is said of them"""
_REMEMBERED = 10_000
"""originals that were asked for once"""


class Decoded:
    """Pixels kept in `sources`, by the tenant and the original's content hash. Decoding is the renderers' of `pool`."""

    def __init__(self, pool: Pool, sources: Sources) -> None:
        self._pool = pool
        self._sources = sources
        self._once: LRUCache[str, None] = LRUCache(_REMEMBERED)

    def instead(self, job: RenderJob) -> RenderJob:
        """The job to do in place of `job`: on the original's pixels if they are there, or worth it from now on.

        Raises what `Pool.ask` raises.
        """
        if job.upright is None or job.content_hash is None:
            return job
        name = f"{job.tenant}/{job.content_hash}"
        with suppress(OSError, InternalError):  # a full disk, here or there
            path = self._sources.find(name)
            if path is None and not self._is_new(name):
                path = self._keep(name, job)
            if path is not None:
                return replace(job, source=path, original=job.upright, decoded=True)
        return job

    def _keep(self, name: str, job: RenderJob) -> Path:
        until = time.monotonic() + job.deadline
        facts = facts_of(PixelsJob(job.source, job.tenant, job.deadline, job.max_pixels, job.original, job.background))

        def decode(target: BinaryIO) -> None:
            with io.FileIO(job.source) as source:
                self._pool.ask("pixels", facts, until - time.monotonic(), [source, target])

        return self._sources.keep(name, decode)

    def _is_new(self, name: str) -> bool:
        """Whether this is the first time, as far as is remembered: to decode more than one size wants is a waste."""
        if name in self._once:
            return False
        self._once[name] = None
        return True
