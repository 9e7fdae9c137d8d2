"""AVIF."""

from collections.abc import Iterator

from mezzotint.plugin_api import Encoder, Image

_AUTO = 64


class Avif(Encoder):
    """Effort 0, tuned for SSIM: nearly as quick as WebP, and a fifth smaller."""

    format, media_type = "avif", "image/avif"
    quality = 70
    negotiated = alpha = True
    animation = False

    def encode(self, image: Image, *, quality: int | str | None) -> bytes:
        return _save(image, self._chosen(quality), effort=0, tune="ssim")

    def attempts(self, image: Image, *, quality: int | str | None) -> Iterator[bytes]:
        """Effort 4 is better at the same quality, so a little less of it may do."""
        chosen = self._chosen(quality)
        for less in (3, 0):
            yield _save(image, max(1, chosen - less), effort=4, tune="iq")

    def _chosen(self, quality: int | str | None) -> int:
        return _AUTO if quality == "auto" else int(quality or self.quality)


def _save(image: Image, quality: int, *, effort: int, tune: str) -> bytes:
    return bytes(image.heifsave_buffer(compression="av1", Q=quality, effort=effort, tune=tune, bitdepth=8, keep="none"))
