"""Where a picture lies in its output: exact arithmetic on sizes, no pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from mezzotint.model.errors import OutputTooLarge
from mezzotint.plugin_api import Operation, Target

MAX_SIDE = 16_384
MEZZANINE_SIDE = 2048
"""The longer side of a mezzanine, in pixels."""
_MEZZANINE_MARGIN = Fraction(8, 5)
"""By how much a mezzanine must be larger than what is rendered from it, or it would show."""
_WORTH_KEEPING = 500_000
"""The least pixels of a picture that is worth being kept decoded."""

SMART = frozenset({"attention", "entropy"})
"""Gravities that only the pixels can decide; until then the picture sits in the centre."""

_LIGHT = 2_000_000
"""pixels that are worked on: under two seconds of computing, whatever is done to them and however they are encoded"""


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def swapped(self) -> Size:
        return Size(self.height, self.width)


class Region(NamedTuple):
    """A rectangle of pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)


class Scale(NamedTuple):
    """Exact factors across and down."""

    x: Fraction
    y: Fraction

    @property
    def swapped(self) -> Scale:
        return Scale(self.y, self.x)


UNSCALED = Scale(Fraction(1), Fraction(1))


@dataclass(frozen=True, slots=True)
class Symmetry:
    """One of the eight ways to lay a rectangle on itself: mirrored left to right or not, then turned clockwise."""

    mirrored: bool = False
    turns: int = 0

    @classmethod
    def of_orientation(cls, orientation: int) -> Symmetry:
        """What brings a picture with this EXIF orientation upright; one that EXIF does not know is upright."""
        return _ORIENTATIONS.get(orientation, cls())

    def turned(self, quarters: int) -> Symmetry:
        """This, then `quarters` quarter turns clockwise."""
        return Symmetry(self.mirrored, (self.turns + quarters) % 4)

    def flopped(self) -> Symmetry:
        """This, then mirrored left to right: a mirror behind a turn is the opposite turn behind the mirror."""
        return Symmetry(not self.mirrored, -self.turns % 4)

    def flipped(self) -> Symmetry:
        """This, then mirrored top to bottom."""
        return self.flopped().turned(2)

    @property
    def swaps(self) -> bool:
        """Whether width and height change places."""
        return self.turns % 2 == 1

    def size(self, size: Size) -> Size:
        """The size of a rectangle of `size` afterwards."""
        return size.swapped if self.swaps else size

    def source_of(self, region: Region, size: Size) -> Region:
        """The part of the rectangle before that becomes `region` of the one after, which measures `size`."""
        left, top, width, height = region
        for _ in range(self.turns):
            left, top, width, height = top, size.width - left - width, height, width
            size = size.swapped
        if self.mirrored:
            left = size.width - left - width
        return Region(left, top, width, height)


_ORIENTATIONS = {
    1: Symmetry(),
    2: Symmetry(mirrored=True),
    3: Symmetry(turns=2),
    4: Symmetry(mirrored=True, turns=2),
    5: Symmetry(mirrored=True, turns=3),
    6: Symmetry(turns=1),
    7: Symmetry(mirrored=True, turns=1),
    8: Symmetry(turns=3),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """A picture scaled by `scale` to `picture`, whose corner lies at (`left`, `top`) of an output of size `output`.

    A negative `left` or `top` cuts that much off the picture; a positive one leaves that much canvas.
    """

    scale: Scale
    picture: Size
    output: Size
    left: int = 0
    top: int = 0

    @property
    def visible(self) -> Region:
        """The part of the scaled picture that the output shows."""
        width = min(self.picture.width, self.output.width)
        height = min(self.picture.height, self.output.height)
        return Region(max(0, -self.left), max(0, -self.top), width, height)


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole way from the stored picture to the output: `region` of it, `symmetry`, `angle`, `placement`."""

    target: Target
    region: Region
    """of the stored picture, as it is stored"""
    symmetry: Symmetry
    angle: int
    """clockwise degrees after the symmetry, in -89 to 89; 0 for a picture that stays upright"""
    box: Size
    """the region's size after symmetry and rotation, before it is scaled"""
    placement: Placement

    @property
    def output(self) -> Size:
        return self.placement.output

    @property
    def smart(self) -> str | None:
        """The gravity that looks at the pixels for what to keep, when something is to be cut off."""
        cut = self.placement.visible.size == self.output != self.placement.picture
        return self.target.gravity if cut and self.target.gravity in SMART else None

    def check(self, *, max_pixels: int, max_side: int = MAX_SIDE, frames: int = 1) -> None:
        """Raises OutputTooLarge when a side or the pixels of all frames together are more than allowed."""
        width, height = self.output
        if max(width, height) > max_side:
            raise OutputTooLarge(f"{width}x{height} has a side above {max_side} pixels")
        if width * height * frames > max_pixels:
            of_frames = f" x {frames} frames" if frames > 1 else ""
            raise OutputTooLarge(f"{width}x{height}{of_frames} is more than {max_pixels} pixels")


def wants_mezzanine(upright: Size) -> bool:
    """Whether a mezzanine of a picture of this size would save work."""
    return max(upright) > MEZZANINE_SIDE * _MEZZANINE_MARGIN


def fits_mezzanine(layout: Layout, upright: Size) -> bool:
    """Whether a variant of a picture that is `upright` comes out of its mezzanine as well as out of itself."""
    return wants_mezzanine(upright) and _shows_as_well_reduced(layout, upright)


def fits_pixels(layout: Layout, upright: Size) -> bool:
    """Whether a variant of a picture that is `upright` comes out of its decoded pixels, MEZZANINE_SIDE long or as long
    as it is, as well as out of itself; never where there is next to nothing to decode.
    """
    if max(upright) <= MEZZANINE_SIDE:
        return upright.width * upright.height >= _WORTH_KEEPING
    return _shows_as_well_reduced(layout, upright)


def is_heavy(layout: Layout, frames: int) -> bool:
    """Whether a variant asks for so much besides decoding that time it lacks says nothing of its original."""
    scaled, output = layout.placement.picture, layout.output
    return max(scaled.width * scaled.height, output.width * output.height) * frames > _LIGHT


def _shows_as_well_reduced(layout: Layout, upright: Size) -> bool:
    whole, reduced = layout.region.size == upright, Fraction(MEZZANINE_SIDE, max(upright))
    return whole and max(layout.placement.scale) * _MEZZANINE_MARGIN <= reduced


def lay_out(operations: Iterable[Operation], upright: Size, orientation: int = 1) -> Layout:
    """The layout that `operations` give a picture that measures `upright` once its EXIF orientation is applied."""
    target = Target(*upright)
    for operation in sorted(operations, key=lambda operation: operation.stage):
        target = operation.shape(target)
    stored = Symmetry.of_orientation(orientation)
    region = Region(*(target.region or (0, 0, *upright)))
    symmetry, angle = _turned_and_mirrored(stored, target)
    box = bounding_box(Symmetry(turns=target.degrees // 90).size(region.size), angle)
    placement = place(
        box,
        target.width,
        target.height,
        fit=target.fit,
        gravity=target.gravity,
        enlarge=target.enlarge,
    )
    return Layout(target, stored.source_of(region, upright), symmetry, angle, box, placement)


def _turned_and_mirrored(symmetry: Symmetry, target: Target) -> tuple[Symmetry, int]:
    quarters, angle = divmod(target.degrees % 360, 90)
    symmetry = symmetry.turned(quarters)
    for asked, mirrored in ((target.flip, Symmetry.flipped), (target.flop, Symmetry.flopped)):
        if asked:
            symmetry, angle = mirrored(symmetry), -angle
    return symmetry, angle


def bounding_box(size: Size, degrees: int) -> Size:
    """The smallest upright box around a rectangle of `size` turned by `degrees` (-89 to 89), sides rounded half up."""
    if degrees == 0:
        return size
    cosine, sine = math.cos(math.radians(degrees)), abs(math.sin(math.radians(degrees)))
    width, height = size
    return Size(_side(width * cosine + height * sine), _side(width * sine + height * cosine))


def place(
    source: Size,
    width: int | None,
    height: int | None,
    *,
    fit: str | None = None,
    gravity: str | None = None,
    enlarge: bool = False,
) -> Placement:
    """How an upright picture of size `source` gets into a box of `width` x `height`, as docs/urls.md has it.

    One or both sides may be absent.
    """
    if width is None or height is None:
        return _scaled(source, _one_side(source, width, height), enlarge=enlarge)
    across, down = Fraction(width, source.width), Fraction(height, source.height)
    match fit:
        case "inside":
            return _scaled(source, min(across, down), enlarge=enlarge)
        case "outside":
            return _scaled(source, max(across, down), enlarge=enlarge)
        case "contain" | "pad":
            placement = _scaled(source, min(across, down), enlarge=enlarge)
            return _anchored(placement, Size(width, height), gravity)
    # What is left, cover and fill, keep the box's shape: a picture too small for it shrinks the box.
    shrink = Fraction(1) if enlarge else min(Fraction(1), 1 / across, 1 / down)
    output = Size(_side(width * shrink), _side(height * shrink))
    scale = Scale(across * shrink, down * shrink)
    if fit == "fill":
        return Placement(scale, output, output)
    scale = Scale(max(scale), max(scale))
    return _anchored(Placement(scale, scaled_size(source, scale), output), output, gravity)


def _one_side(source: Size, width: int | None, height: int | None) -> Fraction:
    if width is not None:
        return Fraction(width, source.width)
    return Fraction(height, source.height) if height is not None else Fraction(1)


def _scaled(source: Size, factor: Fraction, *, enlarge: bool) -> Placement:
    factor = factor if enlarge else min(Fraction(1), factor)
    scale = Scale(factor, factor)
    size = scaled_size(source, scale)
    return Placement(scale, size, size)


def _anchored(placement: Placement, output: Size, gravity: str | None) -> Placement:
    gravity = gravity or "center"
    left = _offset(output.width - placement.picture.width, near="west" in gravity, far="east" in gravity)
    top = _offset(output.height - placement.picture.height, near="north" in gravity, far="south" in gravity)
    return Placement(placement.scale, placement.picture, output, left, top)


def _offset(rest: int, *, near: bool, far: bool) -> int:
    if near:
        return 0
    # Half of what is cut off or left empty, rounded towards none.
    return rest if far else math.trunc(Fraction(rest, 2))


def scaled_size(source: Size, scale: Scale) -> Size:
    """The size of a scaled picture: sides rounded half up, at least one pixel."""
    return Size(_side(source.width * scale.x), _side(source.height * scale.y))


def _side(length: Fraction | float) -> int:
    return max(1, math.floor(length + Fraction(1, 2)))
