"""The hash is the published one."""

import base64

import pytest

from mezzotint.imaging.thumbhash import Pixel, thumbhash


def picture(width: int, height: int, *, clear: bool) -> list[Pixel]:
    return [
        (x * x * 7 % 256, (y * 31 + x * 5) % 256, x * y * 3 % 256, (x * 40 + y * 9) % 256 if clear else 255)
        for y in range(height)
        for x in range(width)
    ]


@pytest.mark.parametrize(
    ("width", "height", "clear", "expected"),
    # what the reference implementation (the npm package thumbhash 0.1.1) makes of these pictures
    [
        (12, 9, False, "V+kJJZAwmGhweHeUh5h3hR0OEtDq"),
        (20, 20, True, "nPiFFQQHMIJ2mXZpKKqPDbD6aTklBVh4Zw=="),
        (31, 5, True, "3AmGEYYHUIeAeqWpb7v4qzEwd3eIeHc="),
        (1, 1, False, "AAgCBwAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ],
)
def test_same_as_the_reference(width: int, height: int, clear: bool, expected: str) -> None:
    assert base64.b64encode(thumbhash(width, height, picture(width, height, clear=clear))).decode() == expected


def test_a_clear_picture_has_a_hash() -> None:
    assert len(thumbhash(4, 4, [(0, 0, 0, 0)] * 16)) > 5
