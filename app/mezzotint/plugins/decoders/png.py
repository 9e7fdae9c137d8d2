"""PNG."""

import struct
from typing import BinaryIO

from mezzotint.plugin_api import Decoder, Image, PictureRefused

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 100_000
_MOST_TEXTS = 64
_MOST_PACKED = 16
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_PACKED = frozenset({b"zTXt", b"iTXt"})


class PngDecoder(Decoder):
    """An animated PNG is its still picture."""

    name, media_type = "png", "image/png"
    loaders = ("VipsForeignLoadPng",)

    def sniff(self, head: bytes) -> bool:
        return head.startswith(_SIGNATURE)

    def check(self, file: BinaryIO) -> None:
        """Counts chunks: a packed text may inflate to megabytes each time that the header is read."""
        chunks = texts = packed = 0
        file.seek(len(_SIGNATURE))
        while len(header := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", header)
            chunks += 1
            texts += kind in _TEXTS
            packed += kind in _PACKED
            if chunks > _MOST_CHUNKS or texts > _MOST_TEXTS:
                raise PictureRefused(f"the PNG has more than {_MOST_CHUNKS} chunks or {_MOST_TEXTS} texts")
            if packed > _MOST_PACKED:
                raise PictureRefused(f"the PNG has more than {_MOST_PACKED} packed texts")
            file.seek(length + 4, 1)

    def open(self, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
        import pyvips

        source = pyvips.Source.new_from_descriptor(file.fileno())
        return pyvips.Image.pngload_source(source, access="sequential", fail_on="error")
