"""Pixels to pixels of another grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import pyvips

from mezzotint.imaging.colour import premultiplied, straight
from mezzotint.imaging.geometry import UNSCALED, Region, Scale, Size, Symmetry
from mezzotint.plugin_api import Image

Far = tuple[bool, bool]
"""Whether a picture's right and bottom edges count, rather than its left and top ones."""
NEAR: Far = (False, False)
_TRIES = 16
_ROTATIONS = {1: "d90", 2: "d180", 3: "d270"}


def shrink_on_load(shrinks: tuple[int, ...], scale: Scale, region: Region) -> int:
    """The factor by which to shrink while decoding: none that the resize would need to undo or that cuts a pixel."""
    wanted = 1 / max(scale)
    return next(
        shrink
        for shrink in sorted({*shrinks, 1}, reverse=True)
        if shrink == 1 or (shrink <= wanted and region.left % shrink == region.top % shrink == 0)
    )


def resize(
    image: Image, scale: Scale, size: Size, part: Region | None = None, *,
    true_size: tuple[Fraction, Fraction] | None = None, far: Far = NEAR,
) -> Image:  # fmt: skip
    """`part` (None: all) of `size` pixels of `image` scaled by exactly `scale`, from its left and top edges, or from
    the `far` ones.

    A picture shrunk on load may reach past its edge by part of a pixel: `true_size` is what it really measures.
    """
    width, height = true_size or (Fraction(image.width), Fraction(image.height))
    across = _Axis.of(width, scale.x, size.width, far=far[0])
    down = _Axis.of(height, scale.y, size.height, far=far[1])
    if scale != UNSCALED:
        image = _window(image, Region(-across.before, -down.before, across.length, down.length))
        image = straight(premultiplied(image).resize(float(scale.x), vscale=float(scale.y)))
    left, top, *shown = part or Region(0, 0, *size)
    return _window(image, Region(across.skipped + left, down.skipped + top, *shown))


def _window(image: Image, region: Region) -> Image:
    """This region of `image`, its outermost pixels going on beyond the edges."""
    left, top, width, height = region
    whole = image.width, image.height
    if region == (0, 0, *whole):
        return image
    if left >= 0 and top >= 0 and left + width <= whole[0] and top + height <= whole[1]:
        return image.crop(*region)
    return image.embed(-left, -top, width, height, extend="copy")


@dataclass(frozen=True, slots=True)
class _Axis:
    """One direction of a resize: how far to push the picture in, its length then, and the output pixels to skip.

    libvips lays the grid of the output's pixels around the middle of what it is given. To make that grid begin or end
    on the picture's edge, what it is given is extended by the whole pixels that come nearest to it.
    """

    before: int
    length: int
    skipped: int

    @classmethod
    def of(cls, length: Fraction, scale: Fraction, wanted: int, *, far: bool) -> _Axis:
        if scale >= 1:
            return cls(0, math.ceil(length), max(0, round(length * scale) - wanted) if far else 0)
        least, step = max(wanted, math.ceil(length * scale)), float(1 / scale)
        candidates = []
        for pixels in range(least, least + _TRIES):
            covered = pixels * step
            start = float(length) - covered if far else 0.0
            for extended in (math.floor(covered), math.ceil(covered)):
                exact = (extended - covered) / 2 - start
                before = max(0, round(exact))
                if abs(extended - covered) * 2 < step:  # else libvips would round to other than `pixels`
                    candidates.append((abs(exact - before), cls(before, extended, pixels - wanted if far else 0)))
        return min(candidates, key=lambda candidate: candidate[0])[1]


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
