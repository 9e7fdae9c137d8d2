"""GIF."""

import math

from mezzotint.plugin_api import Encoder, Image

_AUTO = 90


class Gif(Encoder):
    """As many colours as the format has; with a quality, a palette of that quality: two to 256 colours."""

    format, media_type = "gif", "image/gif"
    quality = None
    alpha = animation = True

    def encode(self, image: Image, *, quality: int | str | None) -> bytes:
        chosen = _AUTO if quality == "auto" else 100 if quality is None else int(quality)
        depth = math.ceil(chosen * 8 / 100)
        return bytes(image.gifsave_buffer(bitdepth=depth, effort=3, keep_duplicate_frames=True, keep="none"))
