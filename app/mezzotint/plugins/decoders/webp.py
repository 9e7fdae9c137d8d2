"""WebP."""

from typing import BinaryIO

from mezzotint.plugin_api import Decoder, Image


class WebpDecoder(Decoder):
    """Still and animated."""

    name, media_type = "webp", "image/webp"
    loaders = ("VipsForeignLoadWebp",)
    animation = True

    def sniff(self, head: bytes) -> bool:
        return head[:4] == b"RIFF" and head[8:12] == b"WEBP"

    def open(self, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
        import pyvips

        source = pyvips.Source.new_from_descriptor(file.fileno())
        return pyvips.Image.webpload_source(source, n=-1 if animated else 1, access="sequential", fail_on="error")
