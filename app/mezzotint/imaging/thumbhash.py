"""ThumbHash: a picture as some 25 bytes, enough for a blurred placeholder (the algorithm by Evan Wallace)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

MAX_SIDE = 100

Pixel = tuple[int, int, int, int]
"""Red, green, blue, alpha, 0 to 255."""


class _Channel(NamedTuple):
    constant: float
    waves: list[float]
    scale: float

    @property
    def nibbles(self) -> list[int]:
        """The waves in 4 bits each."""
        if not self.scale:
            return [0] * len(self.waves)
        return [_round(15 * (0.5 + 0.5 / self.scale * wave)) for wave in self.waves]


def thumbhash(width: int, height: int, pixels: Sequence[Pixel]) -> bytes:
    """The hash of `width` x `height` pixels, row by row; neither side above 100."""
    opacity = sum(alpha for _, _, _, alpha in pixels) / 255
    average = [sum(pixel[channel] * pixel[3] for pixel in pixels) / 255**2 / (opacity or 1) for channel in range(3)]
    has_alpha = opacity < width * height
    lightness, yellow_blue, red_green, alphas = _channels(pixels, average)

    most = 5 if has_alpha else 7  # alpha takes room from lightness
    longest = max(width, height)
    across, down = max(1, _round(most * width / longest)), max(1, _round(most * height / longest))
    light = _encode(lightness, width, height, max(3, across), max(3, down))
    warm = _encode(yellow_blue, width, height, 3, 3)
    green = _encode(red_green, width, height, 3, 3)

    first = (
        _round(63 * light.constant)
        | _round(31.5 + 31.5 * warm.constant) << 6
        | _round(31.5 + 31.5 * green.constant) << 12
        | _round(31 * light.scale) << 18
        | has_alpha << 23
    )
    landscape = width > height
    second = (
        (down if landscape else across) | _round(63 * warm.scale) << 3 | _round(63 * green.scale) << 9 | landscape << 15
    )
    head = first.to_bytes(3, "little") + second.to_bytes(2, "little")
    nibbles = light.nibbles + warm.nibbles + green.nibbles
    if has_alpha:
        clear = _encode(alphas, width, height, 5, 5)
        head += bytes([_round(15 * clear.constant) | _round(15 * clear.scale) << 4])
        nibbles += clear.nibbles
    nibbles += [0] * (len(nibbles) % 2)
    return head + bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _channels(pixels: Sequence[Pixel], average: Sequence[float]) -> tuple[list[float], ...]:
    """Lightness, yellow against blue, red against green, and alpha, over the average colour."""
    rows = []
    for pixel in pixels:
        alpha = pixel[3] / 255
        red, green, blue = (average[at] * (1 - alpha) + alpha / 255 * pixel[at] for at in range(3))
        rows.append(((red + green + blue) / 3, (red + green) / 2 - blue, red - green, alpha))
    return tuple(list(channel) for channel in zip(*rows, strict=True))


def _encode(channel: Sequence[float], width: int, height: int, across: int, down: int) -> _Channel:
    """The lowest frequencies of a cosine transform, a triangle of `across` by `down` of them."""
    cosines_x = _cosines(width, across)
    cosines_y = _cosines(height, down)
    rows = [channel[start : start + width] for start in range(0, width * height, width)]
    by_wave = [[sum(map(float.__mul__, row, wave)) for row in rows] for wave in cosines_x]
    waves = [
        sum(map(float.__mul__, by_wave[x], cosines_y[y])) / (width * height)
        for y in range(down)
        for x in range(across)
        if x * down < across * (down - y)
    ]
    return _Channel(waves[0], waves[1:], max(map(abs, waves[1:]), default=0.0))


def _cosines(length: int, count: int) -> list[list[float]]:
    return [[math.cos(math.pi / length * wave * (at + 0.5)) for at in range(length)] for wave in range(count)]


def _round(number: float) -> int:
    return math.floor(number + 0.5)
