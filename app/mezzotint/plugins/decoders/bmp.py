"""BMP."""

import struct

from mezzotint.plugins.decoders.magick import MagickDecoder


class BmpDecoder(MagickDecoder):
    name, media_type, coder = "bmp", "image/bmp", "BMP"
    by_default = True

    def sniff(self, head: bytes) -> bool:
        return head.startswith(b"BM") and head[6:10] == bytes(4)

    @property
    def sample(self) -> bytes:
        """One pixel."""
        header = struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0)
        return struct.pack("<2sIII", b"BM", 58, 0, 54) + header + bytes(4)
