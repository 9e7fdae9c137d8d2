"""The facts of an original, found out by decoding all of it."""

from __future__ import annotations

import base64
from collections import Counter
from fractions import Fraction

import pyvips

from mezzotint.imaging.colour import to_srgb
from mezzotint.imaging.decode import Decoders, Limits, Source
from mezzotint.imaging.geometry import Scale, Symmetry, scaled_size
from mezzotint.imaging.jobs import Inspection, InspectJob
from mezzotint.imaging.resample import lay_upright, resize
from mezzotint.imaging.thumbhash import Pixel, thumbhash
from mezzotint.model.errors import PictureRefused
from mezzotint.plugin_api import Image

_SIDE = 48
"""of the small picture that the dominant colour and the thumbhash are taken from"""
_EXIF_FOLDERS = {"ifd0": "image", "ifd2": "photo", "ifd3": "gps"}
_MOST_EXIF = 200
_LONGEST_EXIF = 256
_COLOUR_SPACES = {"b-w": "gray", "grey16": "gray", "cmyk": "cmyk", "lab": "lab"}
_BIN = 32
"""width of a bin of the colour histogram"""


def inspect(decoders: Decoders, job: InspectJob) -> Inspection:
    """The facts of the file `job.source`. Raises UnsupportedType, PictureRefused when any part of it is broken."""
    source = decoders.open(job.source, Limits(pixels=job.max_pixels))
    try:
        small = _small(source)
        pixels = _pixels(small)
    except pyvips.Error as problem:
        raise PictureRefused(f"the {source.decoder.name} file can't be decoded") from problem
    header = source.header
    width, height = source.upright
    return Inspection(
        format=source.decoder.name,
        media_type=source.decoder.media_type,
        width=width,
        height=height,
        orientation=source.orientation,
        has_alpha=bool(header.hasalpha()),
        frames=source.frames,
        colour_space=_COLOUR_SPACES.get(header.interpretation, "srgb"),
        bits=int(header.get("bits-per-sample")) if header.get_typeof("bits-per-sample") else 8,
        exif=_exif(header),
        dominant_colour=_dominant(pixels),
        thumbhash=base64.b64encode(thumbhash(small.width, small.height, pixels)).decode(),
    )


def _small(source: Source) -> Image:
    """The first frame, small, upright and in sRGB with alpha; every other frame has been decoded too."""
    image = source.read_frames()[0] if source.frames > 1 else source.read()
    factor = min(Fraction(1), Fraction(_SIDE, max(source.size)))
    scale = Scale(factor, factor)
    image = resize(image, scale, scaled_size(source.size, scale))
    image = to_srgb(lay_upright(image, Symmetry.of_orientation(source.orientation))).colourspace("srgb")
    return image if image.hasalpha() else image.addalpha()


def _pixels(image: Image) -> list[Pixel]:
    data = bytes(image.write_to_memory())
    return list(zip(data[::4], data[1::4], data[2::4], data[3::4], strict=True))


def _dominant(pixels: list[Pixel]) -> str:
    """The average of the colours in the fullest bin, as #rrggbb; what can't be seen does not count."""
    seen = [pixel[:3] for pixel in pixels if pixel[3] >= 128] or [pixel[:3] for pixel in pixels]
    bins = Counter((red // _BIN, green // _BIN, blue // _BIN) for red, green, blue in seen)
    fullest, count = bins.most_common(1)[0]
    inside = [pixel for pixel in seen if tuple(channel // _BIN for channel in pixel) == fullest]
    return "#" + "".join(f"{round(sum(pixel[at] for pixel in inside) / count):02x}" for at in range(3))


def _exif(header: Image) -> dict[str, dict[str, str]]:
    """EXIF as text by folder and tag: {"photo": {"ISOSpeedRatings": "100"}}; a bounded number of bounded values."""
    found: dict[str, dict[str, str]] = {}
    try:
        names = [name for name in header.get_fields() if name.startswith("exif-ifd")]
    except UnicodeDecodeError:  # some field, of a text in a PNG say, is not named in UTF-8: then none can be had
        return found
    for name in names[:_MOST_EXIF]:
        _, folder, tag = name.split("-", 2)
        if folder in _EXIF_FOLDERS:
            found.setdefault(_EXIF_FOLDERS[folder], {})[tag] = _exif_value(str(header.get(name)))
    return found


def _exif_value(described: str) -> str:
    """The value in libvips' "value (the value in words, type, components, bytes)"."""
    both = described.rsplit(", ", 3)[0]
    middle = (len(both) - 2) // 2
    # A text stands there twice, and may have brackets of its own; a number has none.
    value = both[:middle] if both[:middle] == both[middle + 2 :] else both.partition(" (")[0]
    return "".join(letter for letter in value if letter.isprintable())[:_LONGEST_EXIF]
