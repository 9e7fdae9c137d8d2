"""PNG."""

from mezzotint.plugin_api import Encoder, Image

_AUTO = 90


class Png(Encoder):
    """Lossless; with a quality, a palette of that quality."""

    format, media_type = "png", "image/png"
    quality = None
    alpha, animation = True, False

    def encode(self, image: Image, *, quality: int | str | None) -> bytes:
        if quality is None:
            return bytes(image.pngsave_buffer(keep="none"))
        return bytes(image.pngsave_buffer(palette=True, Q=_AUTO if quality == "auto" else quality, keep="none"))
