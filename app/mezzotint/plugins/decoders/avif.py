"""AVIF."""

from typing import BinaryIO

from mezzotint.plugin_api import Decoder, Image


class AvifDecoder(Decoder):
    """The primary picture of a still AVIF; a grid's tiles are parts of it, not frames."""

    name, media_type = "avif", "image/avif"
    loaders = ("VipsForeignLoadHeif",)
    lossy = True

    def sniff(self, head: bytes) -> bool:
        brands = head[8 : min(int.from_bytes(head[:4], "big"), len(head))]
        return head[4:8] == b"ftyp" and b"avif" in (brands[start : start + 4] for start in range(0, len(brands), 4))

    def open(self, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
        import pyvips

        source = pyvips.Source.new_from_descriptor(file.fileno())
        return pyvips.Image.heifload_source(source, access="sequential", fail_on="error")
