"""Files to pictures: what they are, whether they are bearable, and only then their pixels."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import pyvips

from mezzotint.imaging.geometry import Size, Symmetry
from mezzotint.model.errors import PictureRefused, UnsupportedType
from mezzotint.plugin_api import HEAD, MAX_SIDE, Decoder, Image

_METADATA = ("exif-data", "xmp-data", "iptc-data", "icc-profile-data")
_SAMPLE_BYTES = {"uchar": 1, "ushort": 2}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file's header may announce. `pixels` is width x height x frames."""

    pixels: int
    side: int = MAX_SIDE
    frames: int = 256
    decoded_bytes: int = 512 * 1024**2
    metadata_bytes: int = 8 * 1024**2

    def check(self, header: Image, frames: int) -> None:
        """Raises PictureRefused when decoding would cost more than this allows."""
        width, height = header.width, header.height
        self.check_size(Size(width, height), frames)
        if width * height * frames * header.bands * _SAMPLE_BYTES.get(header.format, 8) > self.decoded_bytes:
            raise PictureRefused(f"{width}x{height} would decode to more than {self.decoded_bytes} bytes")
        if sum(len(header.get(name)) for name in _METADATA if header.get_typeof(name)) > self.metadata_bytes:
            raise PictureRefused(f"its metadata is more than {self.metadata_bytes} bytes")

    def check_size(self, size: Size, frames: int) -> None:
        """Raises PictureRefused when this is more than is allowed, be it of an original whose mezzanine is read."""
        width, height = size
        if max(size) > self.side:
            raise PictureRefused(f"{width}x{height} has a side above {self.side} pixels")
        if frames > self.frames:
            raise PictureRefused(f"{frames} frames are more than {self.frames}")
        if width * height * frames > self.pixels:
            raise PictureRefused(f"{width}x{height} x {frames} frames is more than {self.pixels} pixels")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that passed: its header is read, its pixels are not. To be read once."""

    file: BinaryIO
    decoder: Decoder
    header: Image
    frames: int
    original: Size | None = None
    """of the original, when this is its mezzanine: all sizes are the original's then, and only `reduction` tells"""

    @property
    def size(self) -> Size:
        """Of one frame, as stored."""
        return self.original or Size(self.header.width, self.header.height)

    @property
    def reduction(self) -> Fraction:
        """How many pixels of the original, across or down, each pixel of the file stands for."""
        if self.original is None:
            return Fraction(1)
        return Fraction(max(self.original), max(self.header.width, self.header.height))

    @property
    def orientation(self) -> int:
        """EXIF's, 1 when the file says nothing."""
        return int(self.header.get("orientation")) if self.header.get_typeof("orientation") else 1

    @property
    def upright(self) -> Size:
        """The size of one frame once its orientation is applied."""
        return Symmetry.of_orientation(self.orientation).size(self.size)

    def read(self, *, shrink: int = 1) -> Image:
        """The picture, or the first frame of an animation, to be read from top to bottom once."""
        return self.header if shrink == 1 else _open(self.decoder, self.file, shrink=shrink)

    def read_frames(self) -> list[Image]:
        """Each frame of an animation, decoded."""
        strip = _open(self.decoder, self.file, animated=True).copy_memory()
        width, height = self.size
        return [strip.crop(0, height * frame, width, height) for frame in range(self.frames)]


class Decoders:
    """The formats that may come in."""

    def __init__(self, decoders: Iterable[Decoder]) -> None:
        self._decoders = tuple(decoders)

    def allow_only_these(self) -> None:
        """From here on this process loads nothing but the formats of its decoders, whoever asks."""
        allow_only(loader for decoder in self._decoders for loader in decoder.loaders)

    def open(self, source: Path | int, limits: Limits, *, original: Size | None = None) -> Source:
        """The picture in `source`, a file or its descriptor; the mezzanine of an `original` of that size, if given.

        Raises UnsupportedType, PictureRefused.
        """
        file = io.FileIO(source, closefd=isinstance(source, Path))  # a descriptor stays its opener's
        file.seek(0)
        with open(file.fileno(), "rb", closefd=False) as buffered:
            decoder = self._sniff(buffered.read(HEAD))
            buffered.seek(0)
            decoder.check(buffered)
        try:
            header = _open(decoder, file)
        except pyvips.Error as problem:
            raise PictureRefused(f"the {decoder.name} file can't be read") from problem
        animated = decoder.animation and header.get_typeof("n-pages")
        frames = int(header.get("n-pages")) if animated else 1
        limits.check(header, frames)
        if original is not None:
            limits.check_size(original, frames)
        return Source(file, decoder, header, frames, original)

    def _sniff(self, head: bytes) -> Decoder:
        for decoder in self._decoders:
            if decoder.sniff(head):
                return decoder
        raise UnsupportedType(f"the file is none of {', '.join(sorted(each.name for each in self._decoders))}")


def allow_only(loaders: Iterable[str]) -> None:
    """Let libvips load nothing but by these of its classes."""
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in loaders:
        pyvips.operation_block_set(loader, False)


def _open(decoder: Decoder, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
    file.seek(0)  # whoever read it before shares the position with us
    return decoder.open(file, shrink=shrink, animated=animated)
