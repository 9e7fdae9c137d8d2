"""What libvips does not decode beside the rest: made into a lossless copy, once, by a sealed pool of its own."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from mezzotint.imaging.jobs import InspectJob, MezzanineJob, RenderJob
from mezzotint.imaging.pool import Pool
from mezzotint.imaging.sources import Sources
from mezzotint.plugin_api import HEAD, IsolatedDecoder

COPY_BYTES = 1024**3
"""that a copy may have"""


class Isolation:
    """Copies of what the isolated `decoders` read, kept in `sources`. A copy is a PNG, upright, with its profile."""

    def __init__(self, pool: Pool, decoders: Iterable[IsolatedDecoder], sources: Sources) -> None:
        self._pool = pool
        self._decoders = tuple(decoders)
        self._sources = sources
        self.formats = sorted(decoder.name for decoder in self._decoders)
        self.breaker = pool.breaker
        self.ping = pool.ping

    def decoder(self, source: Path | int) -> IsolatedDecoder | None:
        """The isolated decoder that reads the file; None when it is the renderers' own business. Raises OSError."""
        with io.FileIO(source) as file:
            head = file.read(HEAD)
        return next((decoder for decoder in self._decoders if decoder.sniff(head)), None)

    def picture(self, job: RenderJob | MezzanineJob | InspectJob, until: float) -> Path | int:
        """The file to give to the renderers in place of `job.source`, made by the moment `until`.

        Raises OSError, and what `Pool.ask` raises.
        """
        decoder = self.decoder(job.source)
        if decoder is None:
            return job.source
        facts = {"tenant": job.tenant, "max_pixels": job.max_pixels}

        def convert(target: BinaryIO) -> None:
            with io.FileIO(job.source) as source:
                self._pool.ask(decoder.name, facts, until - time.monotonic(), [source, target])

        # An original's bytes never change, nor does what is found under its path.
        return self._sources.keep(f"{decoder.name}/{job.content_hash or job.source}", convert)
