"""JPEG."""

from collections.abc import Iterator

from mezzotint.plugin_api import Encoder, Image

_AUTO = 80


class Jpg(Encoder):
    """Baseline with optimized coding: a twentieth smaller for a millisecond."""

    format, aliases, media_type = "jpg", ("jpeg",), "image/jpeg"
    quality = 85
    alpha = animation = False

    def encode(self, image: Image, *, quality: int | str | None) -> bytes:
        return bytes(image.jpegsave_buffer(Q=self._chosen(quality), optimize_coding=True, keep="none"))

    def attempts(self, image: Image, *, quality: int | str | None) -> Iterator[bytes]:
        """Progressive with trellis quantization, and a little more quality to make up for what that takes away."""
        for more in range(5):
            chosen = min(100, self._chosen(quality) + more)
            slow = {"trellis_quant": True, "overshoot_deringing": True, "optimize_scans": True, "interlace": True}
            yield bytes(image.jpegsave_buffer(Q=chosen, **slow, optimize_coding=True, keep="none"))

    def _chosen(self, quality: int | str | None) -> int:
        return _AUTO if quality == "auto" else int(quality or self.quality)
