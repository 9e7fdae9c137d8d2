"""Colour: every picture to 8-bit sRGB or gray, and the arithmetic of transparency."""

from __future__ import annotations

import pyvips

from mezzotint.plugin_api import Image

Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha, 0 to 255."""

_GRAY = ("b-w", "grey16")


def to_srgb(image: Image) -> Image:
    """`image` in 8-bit sRGB, or 8-bit gray when it is gray, with its alpha; an unusable profile is passed over."""
    gray = image.interpretation in _GRAY
    if image.get_typeof("icc-profile-data"):
        try:
            managed = image.icc_transform("srgb", embedded=True, intent="perceptual")
        except pyvips.Error:
            return image.colourspace("b-w" if gray else "srgb")
        # A gray picture's three channels are equal, so one of them says it all.
        return without_colour(managed) if gray else managed
    if image.format == "uchar" and image.interpretation in ("srgb", "b-w"):
        return image
    return image.colourspace("b-w" if gray else "srgb")


def without_colour(image: Image) -> Image:
    """The first channel of `image`, and its alpha."""
    gray = image[0].bandjoin(image[image.bands - 1]) if image.hasalpha() else image[0]
    return gray.copy(interpretation="b-w")


def premultiplied(image: Image) -> Image:
    """`image` with its colours weighted by its alpha, so that neighbours may be mixed."""
    # Back to whole numbers at once: the steps in between are several times quicker on them.
    return image.premultiply().cast(image.format) if image.hasalpha() else image


def straight(image: Image) -> Image:
    """`image` with its colours as they are meant, whatever its alpha: the reverse of `premultiplied`."""
    return image.unpremultiply().cast(image.format) if image.hasalpha() else image


def parse_colour(digits: str) -> Colour:
    """The colour that 6 or 8 hex digits say."""
    red, green, blue, alpha = bytes.fromhex(digits.ljust(8, "f"))
    return red, green, blue, alpha


def over_white(colour: Colour) -> Colour:
    """What is seen of `colour` on white."""
    red, green, blue = (round((channel * colour[3] + 255 * (255 - colour[3])) / 255) for channel in colour[:3])
    return red, green, blue, 255
