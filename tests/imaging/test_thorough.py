"""Slower encodings: fewer bytes, never further from the picture."""

import pytest
import pyvips

from mezzotint import registry
from mezzotint.imaging.thorough import likeness, thorough
from tests.imaging.pictures import noise, solid

ENCODERS = registry.load(["standard"]).encoders


@pytest.fixture(scope="module")
def picture() -> pyvips.Image:
    return noise(320, 240).copy_memory()


@pytest.mark.parametrize("format", sorted(ENCODERS))
@pytest.mark.parametrize("quality", [None, 40])
def test_never_more_bytes_and_never_less_like_it(picture: pyvips.Image, format: str, quality: int | None) -> None:
    encoder = ENCODERS[format]()
    usual, better = encoder.encode(picture, quality=quality), thorough(encoder, picture, quality)
    assert len(better) <= len(usual)
    assert likeness(picture, better) >= likeness(picture, usual)


@pytest.mark.parametrize("format", ["jpg", "webp", "avif"])
def test_pays(picture: pyvips.Image, format: str) -> None:
    encoder = ENCODERS[format]()
    assert len(thorough(encoder, picture, None)) < len(encoder.encode(picture, quality=None))


@pytest.mark.parametrize("image", [solid(40, 30, (90,)), solid(40, 30, (9, 8, 7, 100)), solid(1, 1, (1, 2, 3))])
@pytest.mark.parametrize("format", sorted(ENCODERS))
def test_any_picture_can_be_tried(image: pyvips.Image, format: str) -> None:
    encoder = ENCODERS[format]()
    if image.hasalpha() and not encoder.alpha:
        image = image.flatten()
    assert thorough(encoder, image, None)
