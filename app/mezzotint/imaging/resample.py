"""Pixels to pixels of another grid."""

from __future__ import annotations

import math

import pyvips

from mezzotint.imaging.colour import premultiplied, straight
from mezzotint.imaging.geometry import UNSCALED, Region, Scale, Size, Symmetry
from mezzotint.plugin_api import Image

_ROTATIONS = {1: "d90", 2: "d180", 3: "d270"}


def shrink_on_load(shrinks: tuple[int, ...], scale: Scale, region: Region) -> int:
    """The factor by which to shrink while decoding: none that the resize would need to undo or that cuts a pixel."""
    wanted = 1 / max(scale)
    return next(
        shrink
        for shrink in sorted({*shrinks, 1}, reverse=True)
        if shrink == 1 or (shrink <= wanted and region.left % shrink == region.top % shrink == 0)
    )


def resize(image: Image, scale: Scale, size: Size) -> Image:
    """`image` scaled by exactly `scale`; `size` is how many pixels of it to keep."""
    if scale != UNSCALED:
        scaled = premultiplied(image).resize(float(scale.x), vscale=float(scale.y))
        image = straight(scaled)
    if (image.width, image.height) != size:
        # The last pixels of a picture shrunk on load reach past its edge, and libvips rounds on its own.
        image = image.embed(0, 0, *size, extend="copy")
    return image


def lay_upright(image: Image, symmetry: Symmetry) -> Image:
    """`image` mirrored and turned. It is decoded for that when it must be read in another order."""
    if image.get_typeof("orientation"):
        image = image.copy()
        image.remove("orientation")  # or AVIF would be told to turn it once more
    if symmetry.mirrored:
        image = image.fliphor()
    if symmetry.turns:
        image = image.copy_memory().rot(_ROTATIONS[symmetry.turns])
    return image


def rotate(image: Image, degrees: int, size: Size) -> Image:
    """`image` turned clockwise about its middle onto a transparent canvas of `size`."""
    if not image.hasalpha():
        image = image.addalpha()
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # libvips maps pixel corners: move the middle to the origin, turn, and move it to the canvas's middle.
    middle_x, middle_y = (image.width - 1) / 2, (image.height - 1) / 2
    turned = premultiplied(image).copy_memory().affine(
        [cosine, -sine, sine, cosine],
        idx=-middle_x,
        idy=-middle_y,
        odx=(size.width - 1) / 2,
        ody=(size.height - 1) / 2,
        oarea=[0, 0, *size],
        interpolate=pyvips.Interpolate.new("bicubic"),
        extend="background",
        background=[0] * image.bands,
        premultiplied=True,
    )  # fmt: skip
    return straight(turned)


def attend(image: Image, size: Size, interesting: str) -> tuple[int, int]:
    """Where the most interesting part of `size` begins, by libvips' `interesting` measure."""
    part = image.smartcrop(*size, interesting=interesting)
    return -part.xoffset, -part.yoffset
