"""What an isolated decoder reads to the lossless copy that the renderers go on with."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pyvips

from mezzotint.imaging.colour import to_srgb
from mezzotint.imaging.decode import Limits, allow_only
from mezzotint.model.errors import PictureRefused
from mezzotint.plugin_api import IsolatedDecoder

_KEPT = ("srgb", "rgb16", "b-w", "grey16")
"""what a PNG holds as it is"""


class Conversion:
    """Makes copies with the decoders it is given."""

    def __init__(self, decoders: Iterable[IsolatedDecoder]) -> None:
        self._decoders = {decoder.name: decoder for decoder in decoders}

    def prepare(self) -> None:
        """Load all that will be needed. From here on this process loads nothing else, whoever asks."""
        allow_only(loader for decoder in self._decoders.values() for loader in decoder.loaders)
        for decoder in self._decoders.values():
            decoder.prepare()

    def convert(self, name: str, source: int, target: int, max_pixels: int) -> None:
        """Write a PNG of what the decoder called `name` finds, from one open file to another. Raises PictureRefused."""
        size = os.fstat(source).st_size
        try:
            image = self._decoders[name].decode(os.pread(source, size, 0), max_pixels)
            Limits(pixels=max_pixels).check(image, frames=1)
            if image.interpretation not in _KEPT:
                image = to_srgb(image)
            image.pngsave_target(pyvips.Target.new_to_descriptor(target), compression=1, filter="none")
        except pyvips.Error as problem:
            raise PictureRefused(f"the {name} file can't be decoded") from problem
