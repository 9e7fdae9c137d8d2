"""What lies behind and around a picture."""

from __future__ import annotations

from mezzotint.imaging.colour import Colour, over_white, parse_colour
from mezzotint.imaging.geometry import Placement
from mezzotint.plugin_api import Image

_TRANSPARENT = (0, 0, 0, 0)


def background_of(asked: str | None, *, alpha: bool) -> Colour:
    """The colour behind the picture when `b` asked for these hex digits, in a format that has `alpha` or not."""
    colour = parse_colour(asked) if asked else _TRANSPARENT
    return colour if alpha else over_white(colour)


def lay_on(image: Image, placement: Placement, background: Colour) -> Image:
    """The visible part of a picture on its canvas of `background`."""
    covered = image.width >= placement.output.width and image.height >= placement.output.height
    if covered and not image.hasalpha():
        return image
    left, top = max(0, placement.left), max(0, placement.top)
    image = image.colourspace("srgb")
    opaque = background[3] == 255
    if opaque:
        image = image.flatten(background=background[:3]) if image.hasalpha() else image
    elif not image.hasalpha():
        image = image.addalpha()
    if not covered:
        empty = background[:3] if opaque else _TRANSPARENT
        image = image.embed(left, top, *placement.output, extend="background", background=empty)
    if 0 < background[3] < 255:
        image = image.new_from_image(background).copy(interpretation="srgb").composite2(image, "over").cast("uchar")
    return image
