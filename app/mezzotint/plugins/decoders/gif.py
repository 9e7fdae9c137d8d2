"""GIF."""

from pathlib import Path

from mezzotint.plugin_api import Decoder, Image


class GifDecoder(Decoder):
    """Still and animated."""

    name, media_type = "gif", "image/gif"
    loaders = ("VipsForeignLoadNsgif",)
    animation = True

    def sniff(self, head: bytes) -> bool:
        return head.startswith((b"GIF87a", b"GIF89a"))

    def open(self, path: Path, *, shrink: int = 1, animated: bool = False) -> Image:
        import pyvips

        return pyvips.Image.gifload(str(path), n=-1 if animated else 1, access="sequential", fail_on="error")
