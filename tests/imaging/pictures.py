"""Pictures made for tests, and how far two pictures are apart."""

from pathlib import Path

import pyvips


def gradient(width: int, height: int) -> pyvips.Image:
    """Red grows to the right, green downwards, blue along the diagonal: no two corners are alike."""
    position = pyvips.Image.xyz(width, height)
    red, green = position[0] * (255 / width), position[1] * (255 / height)
    return red.bandjoin([green, (red + green) / 2]).cast("uchar").copy(interpretation="srgb")


def quarters(side: int = 64) -> pyvips.Image:
    """Red, green above blue, white."""
    half = side // 2
    red, green, blue, white = (
        (pyvips.Image.black(half, half) + list(colour)).cast("uchar")
        for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
    )
    return pyvips.Image.arrayjoin([red, green, blue, white], across=2).copy(interpretation="srgb")


def solid(width: int, height: int, colour: tuple[int, ...]) -> pyvips.Image:
    interpretation = "srgb" if len(colour) > 2 else "b-w"
    return (pyvips.Image.black(width, height) + list(colour)).cast("uchar").copy(interpretation=interpretation)


def noise(width: int, height: int) -> pyvips.Image:
    """Smooth structure with grain: something to scale, blur and sharpen."""
    grain = pyvips.Image.gaussnoise(width, height, mean=0, sigma=60, seed=7).gaussblur(1.5)
    return (gradient(width, height) * 0.6 + 50 + grain).cast("uchar").copy(interpretation="srgb")


def open_bytes(data: bytes, **options: int) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(data, "", **options).copy_memory()


def tagged(image: pyvips.Image, orientation: int) -> pyvips.Image:
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image


def held(image: pyvips.Image, orientation: int) -> pyvips.Image:
    """An upright picture as a camera stores it that was held so; none of these mirrors."""
    turned = {1: image, 3: image.rot180(), 6: image.rot270(), 8: image.rot90()}[orientation]
    return tagged(turned.copy_memory(), orientation)


def with_orientation(image: pyvips.Image, orientation: int, path: Path) -> Path:
    tagged(image, orientation).jpegsave(str(path), Q=95)
    return path


def distance(one: pyvips.Image, other: pyvips.Image) -> float:
    """The mean difference of two pictures of one size, in levels, after both are made sRGB on white."""
    assert (one.width, one.height) == (other.width, other.height)
    return float((plain(one) - plain(other)).abs().avg())


def plain(image: pyvips.Image) -> pyvips.Image:
    """sRGB on white."""
    image = image.colourspace("srgb")
    return image.flatten(background=[255, 255, 255]) if image.hasalpha() else image


def close(pixel: list[float], expected: tuple[int, ...], tolerance: float = 3) -> bool:
    return len(pixel) == len(expected) and all(
        abs(one - other) <= tolerance for one, other in zip(pixel, expected, strict=True)
    )
