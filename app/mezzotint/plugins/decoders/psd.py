"""Photoshop's PSD: the picture of all its layers that the file brings with it."""

import struct

from mezzotint.plugins.decoders.magick import MagickDecoder


class PsdDecoder(MagickDecoder):
    name, media_type, coder = "psd", "image/vnd.adobe.photoshop", "PSD"
    by_default = True

    def sniff(self, head: bytes) -> bool:
        return head.startswith(b"8BPS\0\1")

    @property
    def sample(self) -> bytes:
        """One pixel."""
        return struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 1, 1, 8, 3) + bytes(12) + bytes(2) + bytes(3)
