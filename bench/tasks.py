"""The work that is compared: what is asked of which originals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

_SWING = (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, 8, -8, 9, -9, 10, -10)


@dataclass(frozen=True, slots=True)
class Size:
    """What a picture is scaled and cut to cover; without a height it keeps its shape."""

    width: int
    height: int | None = None

    def __str__(self) -> str:
        return f"{self.width}x{self.height or ''}"


@dataclass(frozen=True, slots=True)
class Task:
    """Originals of `source` pixels, and what is made of them."""

    name: str
    source: tuple[int, int]
    size: Size
    ext: str
    quality: int

    @property
    def format(self) -> str:
        """As libvips and sharp call it."""
        return "jpeg" if self.ext == "jpg" else self.ext

    def sizes(self) -> Iterator[Size]:
        """Sizes of the same effort, each another one, since a variant is made once."""
        width, height = self.size.width, self.size.height
        if height is None:
            return (Size(width + swing) for swing in _SWING)
        return (Size(width + one, height + other) for other, one in product(_SWING, _SWING))

    def variant(self, size: Size) -> str:
        """The end of its URL."""
        height = f"-h_{size.height}" if size.height else ""
        return f"w_{size.width}{height}-q_{self.quality}.{self.ext}"


W1 = Task("w1", (2000, 1333), Size(500, 500), "jpg", 80)
W2 = Task("w2", (4000, 3000), Size(800), "webp", 80)
# The least AVIF that is as good as such a WebP.
WEBP = Task("WebP", W2.source, Size(720), "webp", 85)
AVIF = Task("AVIF", W2.source, Size(720), "avif", 73)
