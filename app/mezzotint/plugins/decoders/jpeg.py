"""JPEG."""

from typing import BinaryIO

from mezzotint.plugin_api import Decoder, Image


class JpegDecoder(Decoder):
    """Shrinks while it decodes, so a thumbnail of a large photograph costs little."""

    name, media_type = "jpeg", "image/jpeg"
    loaders = ("VipsForeignLoadJpeg",)
    shrinks = (8, 4, 2, 1)
    lossy = True

    def sniff(self, head: bytes) -> bool:
        return head.startswith(b"\xff\xd8\xff")

    def open(self, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
        import pyvips

        source = pyvips.Source.new_from_descriptor(file.fileno())
        return pyvips.Image.jpegload_source(source, shrink=shrink, access="sequential", fail_on="error")
