"""Smaller bytes for the same picture, at any cost in time."""

from __future__ import annotations

import pyvips

from mezzotint.plugin_api import Encoder, Image

_SIGMA = 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def thorough(encoder: Encoder, image: Image, quality: int | str | None) -> bytes:
    """The best of the encoder's attempts: smaller than its usual bytes and not a bit worse, else just those."""
    image = image.copy_memory()
    best = encoder.encode(image, quality=quality)
    floor: float | None = None
    for data in encoder.attempts(image, quality=quality):
        if len(data) >= len(best):
            continue
        floor = likeness(image, best) if floor is None else floor
        if likeness(image, data) >= floor:
            return data
    return best


def likeness(image: Image, data: bytes) -> float:
    """The mean structural similarity (SSIM) of encoded bytes to `image`, over all its channels; 1 is the same."""
    a, b = image.colourspace("srgb"), pyvips.Image.new_from_buffer(data, "").colourspace("srgb")
    bands = min(a.bands, b.bands)  # an alpha that hides nothing may be left out
    a, b = a[:bands].cast("float"), b[:bands].cast("float")
    mean_a, mean_b = _blur(a), _blur(b)
    var_a, var_b = _blur(a * a) - mean_a * mean_a, _blur(b * b) - mean_b * mean_b
    covariance = _blur(a * b) - mean_a * mean_b
    above = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    below = (mean_a * mean_a + mean_b * mean_b + _C1) * (var_a + var_b + _C2)
    return float((above / below).avg())


def _blur(image: Image) -> Image:
    return image.gaussblur(_SIGMA, precision="float")
