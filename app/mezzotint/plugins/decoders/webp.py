"""WebP."""

from pathlib import Path

from mezzotint.plugin_api import Decoder, Image


class WebpDecoder(Decoder):
    """Still and animated."""

    name, media_type = "webp", "image/webp"
    loaders = ("VipsForeignLoadWebp",)
    animation = True

    def sniff(self, head: bytes) -> bool:
        return head[:4] == b"RIFF" and head[8:12] == b"WEBP"

    def open(self, path: Path, *, shrink: int = 1, animated: bool = False) -> Image:
        import pyvips

        return pyvips.Image.webpload(str(path), n=-1 if animated else 1, access="sequential", fail_on="error")
