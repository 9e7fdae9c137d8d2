"""Decoded pixels as a file, upright and in sRGB: of such a picture nothing is left to decode."""

from __future__ import annotations

import mmap
import struct
from typing import BinaryIO

import pyvips

from mezzotint.imaging.decode import Source
from mezzotint.imaging.jobs import ENGINE
from mezzotint.imaging.mezzanine import reduced
from mezzotint.imaging.renderer.process import libvips
from mezzotint.model.errors import PictureRefused
from mezzotint.plugin_api import Decoder, Image

_HEADER = struct.Struct(">64sIII")
"""What it is, width, height and bands: gray or red, green and blue, and alpha if there is any."""
_MAGIC = f"mezzotint pixels {ENGINE}, libvips {libvips()}".encode().ljust(64, b"\0")
"""Such pixels are of the engine that reads them: what another one decoded may look otherwise."""


class PixelsDecoder(Decoder):
    """Maps them into memory. None of the formats that may come in: only what a renderer wrote is read so."""

    name, media_type = "pixels", "application/x-mezzotint-pixels"
    loaders = ()

    def sniff(self, head: bytes) -> bool:
        return head.startswith(_MAGIC)

    def open(self, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        _, width, height, bands = _HEADER.unpack_from(mapped)
        if len(mapped) != _HEADER.size + width * height * bands:
            raise PictureRefused("these are not all the pixels")
        image = pyvips.Image.new_from_memory(mapped[_HEADER.size :], width, height, bands, "uchar")
        return image.copy(interpretation="b-w" if bands <= 2 else "srgb")


def write_pixels(source: Source, target: int) -> None:
    """Decode `source` into the empty file `target`, at most MEZZANINE_SIDE pixels long.

    Raises pyvips.Error, and OSError when the disk is full.
    """
    image = reduced(source)
    pixels = image.write_to_memory()
    with open(target, "wb", closefd=False) as file:
        file.write(_HEADER.pack(_MAGIC, image.width, image.height, image.bands))
        file.write(pixels)
