import time
from typing import BinaryIO

from mezzotint.plugin_api import Decoder, Image, UnsupportedType

STUCK = b"STUCK"


class StuckDecoder(Decoder):
    """Hangs for as long as its file says so."""

    name, media_type = "stuck", "image/x-stuck"
    loaders = ()

    def sniff(self, head: bytes) -> bool:
        return head.startswith(STUCK)

    def check(self, file: BinaryIO) -> None:
        while file.read(len(STUCK)) == STUCK:
            time.sleep(0.01)
            file.seek(0)
        raise UnsupportedType("it is no picture after all")

    def open(self, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
        raise NotImplementedError
