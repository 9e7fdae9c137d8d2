"""Decoded pixels as a file, upright and in sRGB: of such a picture nothing is left to decode."""

from __future__ import annotations

import mmap
import struct
from typing import BinaryIO

import pyvips

from mezzotint.imaging.decode import Decoders, Limits
from mezzotint.imaging.geometry import Size
from mezzotint.imaging.jobs import PixelsJob
from mezzotint.imaging.mezzanine import reduced
from mezzotint.model.errors import PictureRefused
from mezzotint.plugin_api import Decoder, Image

_HEADER = struct.Struct(">8sIII")
"""What it is, width, height and bands: gray or red, green and blue, and alpha if there is any."""
_MAGIC = b"mzpixels"


class PixelsDecoder(Decoder):
    """Maps them into memory. None of the formats that may come in: only what a renderer wrote is read so."""

    name, media_type = "pixels", "application/x-mezzotint-pixels"
    loaders = ()

    def sniff(self, head: bytes) -> bool:
        return head.startswith(_MAGIC)

    def open(self, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        _, width, height, bands = _HEADER.unpack_from(mapped)
        image = pyvips.Image.new_from_memory(mapped[_HEADER.size :], width, height, bands, "uchar")
        return image.copy(interpretation="b-w" if bands <= 2 else "srgb")


def write_pixels(decoders: Decoders, job: PixelsJob, target: int) -> None:
    """Decode the picture in `job.source` into the file `target`, at most MEZZANINE_SIDE pixels long.

    Raises UnsupportedType, PictureRefused, and OSError when the disk is full.
    """
    original = Size(*job.original) if job.original else None
    source = decoders.open(job.source, Limits(pixels=job.max_pixels), original=original)
    try:
        image = reduced(source)
        pixels = image.write_to_memory()
    except pyvips.Error as problem:
        raise PictureRefused(f"the {source.decoder.name} file can't be decoded") from problem
    with open(target, "wb", closefd=False) as file:
        file.write(_HEADER.pack(_MAGIC, image.width, image.height, image.bands))
        file.write(pixels)
