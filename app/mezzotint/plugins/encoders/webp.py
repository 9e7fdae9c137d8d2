"""WebP."""

from collections.abc import Iterator

from mezzotint.plugin_api import Encoder, Image

_AUTO = 80


class Webp(Encoder):
    """Effort 2: half the time of libvips' 4 for a fiftieth more bytes."""

    format, media_type = "webp", "image/webp"
    quality = 85
    negotiated = alpha = animation = True
    max_side = 16_383

    def encode(self, image: Image, *, quality: int | str | None) -> bytes:
        return _save(image, self._chosen(quality), effort=2)

    def attempts(self, image: Image, *, quality: int | str | None) -> Iterator[bytes]:
        """Effort 6, and a little more quality where it took some away."""
        for more in range(3):
            yield _save(image, min(100, self._chosen(quality) + more), effort=6)

    def _chosen(self, quality: int | str | None) -> int:
        return _AUTO if quality == "auto" else int(quality or self.quality)


def _save(image: Image, quality: int, *, effort: int) -> bytes:
    return bytes(image.webpsave_buffer(Q=quality, effort=effort, keep="none"))
