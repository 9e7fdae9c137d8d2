"""Sizes and places, exactly."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezzotint.imaging.geometry import (
    Region,
    Size,
    Symmetry,
    bounding_box,
    lay_out,
    place,
)
from mezzotint.model.errors import OutputTooLarge
from mezzotint.plugin_api import Operation, Stage, Target
from tests.vectors import vectors

FITS = ["cover", "contain", "fill", "inside", "outside", "pad"]
sides = st.integers(1, 9000)
sizes = st.builds(Size, sides, sides)
symmetries = st.builds(Symmetry, st.booleans(), st.integers(0, 3))


@pytest.mark.parametrize("case", vectors("geometry"), ids=str)
def test_vectors(case: dict[str, Any]) -> None:
    placement = place(Size(*case["source"]), case["w"], case["h"], fit=case["f"], enlarge=case["up"])
    assert list(placement.output) == case["output"]


@given(sizes, sides, sides, st.sampled_from(FITS), st.booleans())
def test_output_obeys_its_fit(source: Size, width: int, height: int, fit: str, enlarge: bool) -> None:
    placement = place(source, width, height, fit=fit, enlarge=enlarge)
    output, picture = placement.output, placement.picture
    if fit in ("contain", "pad"):
        assert output == (width, height)
    if fit in ("inside", "contain", "pad", "cover", "fill"):
        assert (min(output.width, width), min(output.height, height)) == output
    if fit == "outside" and enlarge:
        assert (max(output.width, width), max(output.height, height)) == output
    if fit == "cover":
        assert (max(output.width, picture.width), max(output.height, picture.height)) == picture
    if not enlarge:
        assert (max(source.width, picture.width), max(source.height, picture.height)) == source
    if fit != "fill":
        assert placement.scale.x == placement.scale.y


@given(sizes, sides, sides)
def test_cover_keeps_the_asked_shape_of_a_small_picture(source: Size, width: int, height: int) -> None:
    output = place(source, width, height, fit="cover").output
    assert abs(output.width - Fraction(output.height * width, height)) <= 1 + Fraction(width, height)


@given(sizes, sides, st.booleans())
def test_one_side_keeps_the_aspect(source: Size, width: int, enlarge: bool) -> None:
    by_width = place(source, width, None, enlarge=enlarge).output
    wanted = width if enlarge else min(width, source.width)
    assert by_width.width == wanted
    assert by_width.height == max(1, math.floor(Fraction(wanted * source.height, source.width) + Fraction(1, 2)))
    assert place(source.swapped, None, width, enlarge=enlarge).output == by_width.swapped


@pytest.mark.parametrize(
    ("gravity", "left", "top"),
    [
        ("center", -7, 0), ("west", 0, 0), ("east", -15, 0), ("north", -7, 0), ("southeast", -15, 0),
        ("attention", -7, 0), (None, -7, 0),
    ],
)  # fmt: skip
def test_cover_cuts_by_gravity(gravity: str | None, left: int, top: int) -> None:
    placement = place(Size(115, 100), 100, 100, fit="cover", gravity=gravity)
    assert (placement.picture, placement.left, placement.top) == ((115, 100), left, top)
    assert placement.visible == (-left, -top, 100, 100)


@pytest.mark.parametrize(
    ("gravity", "left", "top"),
    [("center", 0, 12), ("north", 0, 0), ("southwest", 0, 25), ("east", 0, 12), ("entropy", 0, 12)],
)
def test_contain_leaves_canvas_by_gravity(gravity: str, left: int, top: int) -> None:
    placement = place(Size(200, 150), 100, 100, fit="contain", gravity=gravity)
    assert (placement.picture, placement.left, placement.top) == ((100, 75), left, top)


def pixels(size: Size) -> list[list[tuple[int, int]]]:
    return [[(x, y) for x in range(size.width)] for y in range(size.height)]


def mirrored(rows: list[list[Any]]) -> list[list[Any]]:
    return [row[::-1] for row in rows]


def turned(rows: list[list[Any]]) -> list[list[Any]]:
    """A quarter clockwise."""
    return [list(column) for column in zip(*rows[::-1], strict=True)]


def laid(rows: list[list[Any]], symmetry: Symmetry) -> list[list[Any]]:
    rows = mirrored(rows) if symmetry.mirrored else rows
    for _ in range(symmetry.turns):
        rows = turned(rows)
    return rows


def cut(rows: list[list[Any]], region: Region) -> list[list[Any]]:
    return [row[region.left : region.left + region.width] for row in rows[region.top : region.top + region.height]]


@given(st.builds(Size, st.integers(1, 7), st.integers(1, 7)), symmetries, st.data())
def test_cutting_before_a_symmetry_is_cutting_behind_it(size: Size, symmetry: Symmetry, data: st.DataObject) -> None:
    after = symmetry.size(size)
    left, top = data.draw(st.integers(0, after.width - 1)), data.draw(st.integers(0, after.height - 1))
    width, height = data.draw(st.integers(1, after.width - left)), data.draw(st.integers(1, after.height - top))
    region = Region(left, top, width, height)
    before = symmetry.source_of(region, after)
    assert laid(cut(pixels(size), before), symmetry) == cut(laid(pixels(size), symmetry), region)


@given(symmetries, st.integers(0, 3))
def test_symmetries_follow_each_other(symmetry: Symmetry, quarters: int) -> None:
    rows = laid(pixels(Size(2, 3)), symmetry)
    assert laid(pixels(Size(2, 3)), symmetry.flopped()) == mirrored(rows)
    assert laid(pixels(Size(2, 3)), symmetry.flipped()) == rows[::-1]
    assert laid(pixels(Size(2, 3)), symmetry.turned(quarters)) == laid(rows, Symmetry(turns=quarters))


@pytest.mark.parametrize(
    ("orientation", "first_row", "first_column"),
    # EXIF names the sides of the scene that the first stored row and column show.
    [
        (1, "top", "left"), (2, "top", "right"), (3, "bottom", "right"), (4, "bottom", "left"),
        (5, "left", "top"), (6, "right", "top"), (7, "right", "bottom"), (8, "left", "bottom"),
    ],
)  # fmt: skip
def test_orientations_are_those_of_exif(orientation: int, first_row: str, first_column: str) -> None:
    stored = [["corner", "row"], ["column", "other"]]
    upright = laid(stored, Symmetry.of_orientation(orientation))
    sides_of = {"top": upright[0], "bottom": upright[1], "left": [row[0] for row in upright]}
    sides_of["right"] = [row[1] for row in upright]
    assert set(sides_of[first_row]) == {"corner", "row"}
    assert set(sides_of[first_column]) == {"corner", "column"}


@pytest.mark.parametrize("orientation", [0, 9, -1])
def test_unknown_orientations_are_upright(orientation: int) -> None:
    assert Symmetry.of_orientation(orientation) == Symmetry()


@given(sizes, st.integers(-89, 89))
def test_bounding_box_holds_the_turned_corners(size: Size, degrees: int) -> None:
    box, angle = bounding_box(size, degrees), math.radians(degrees)
    corners = [(x * size.width / 2, y * size.height / 2) for x in (-1, 1) for y in (-1, 1)]
    width = 2 * max(x * math.cos(angle) - y * math.sin(angle) for x, y in corners)
    height = 2 * max(x * math.sin(angle) + y * math.cos(angle) for x, y in corners)
    assert box.width == pytest.approx(width, abs=0.5001) or box.width == 1
    assert box.height == pytest.approx(height, abs=0.5001) or box.height == 1


class Turned(Operation):
    stage = Stage.ROTATE
    degrees: int = 0
    flip: bool = False
    flop: bool = False

    def shape(self, target: Target) -> Target:
        return replace(target, degrees=self.degrees, flip=self.flip, flop=self.flop)


@given(sizes, st.integers(0, 359), st.booleans(), st.booleans(), st.integers(1, 8))
def test_output_size_is_that_of_the_turned_picture(
    upright: Size, degrees: int, flip: bool, flop: bool, orientation: int
) -> None:
    layout = lay_out([Turned(degrees=degrees, flip=flip, flop=flop)], upright, orientation)
    turned_size = upright.swapped if degrees // 90 % 2 else upright
    assert layout.output == bounding_box(turned_size, degrees % 90)
    assert abs(layout.angle) == degrees % 90
    assert layout.region.size == Symmetry.of_orientation(orientation).size(upright)


def test_a_mirror_turns_an_oblique_angle_round() -> None:
    assert lay_out([Turned(degrees=30, flop=True)], Size(40, 30)).angle == -30
    assert lay_out([Turned(degrees=30, flip=True)], Size(40, 30)).angle == -30
    assert lay_out([Turned(degrees=30, flip=True, flop=True)], Size(40, 30)).angle == 30


def test_too_large_an_output_is_refused() -> None:
    layout = lay_out([], Size(2000, 1000))
    layout.check(max_pixels=2_000_000)
    for limits in ({"max_pixels": 1_999_999}, {"max_pixels": 2_000_000, "frames": 2}):
        with pytest.raises(OutputTooLarge):
            layout.check(**limits)
    with pytest.raises(OutputTooLarge):
        lay_out([], Size(16_385, 1)).check(max_pixels=10**9)
