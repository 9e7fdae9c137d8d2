"""GIF."""

from typing import BinaryIO

from mezzotint.plugin_api import Decoder, Image, PictureRefused

_MOST_BLOCKS = 100_000
_EXTENSION, _PICTURE, _TRAILER = b"!", b",", b";"


class GifDecoder(Decoder):
    """Still and animated."""

    name, media_type = "gif", "image/gif"
    loaders = ("VipsForeignLoadNsgif",)
    animation = True

    def sniff(self, head: bytes) -> bool:
        return head.startswith((b"GIF87a", b"GIF89a"))

    def check(self, file: BinaryIO) -> None:
        """Follows the blocks to the file's end: libvips takes one that is broken off for a shorter animation."""
        file.seek(10)
        _skip_colours(file, _byte(file))
        file.seek(2, 1)
        for _ in range(_MOST_BLOCKS):
            kind = file.read(1)
            if kind in (_TRAILER, b""):  # some writers leave the trailer out
                return
            if kind == _EXTENSION:
                file.seek(1, 1)
            elif kind == _PICTURE:
                file.seek(8, 1)
                _skip_colours(file, _byte(file))
                file.seek(1, 1)
            else:
                return  # rubbish behind the last picture: not for us to judge
            while length := _byte(file):
                file.seek(length, 1)
        raise PictureRefused(f"the GIF has more than {_MOST_BLOCKS} blocks")

    def open(self, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
        import pyvips

        source = pyvips.Source.new_from_descriptor(file.fileno())
        return pyvips.Image.gifload_source(source, n=-1 if animated else 1, access="sequential", fail_on="error")


def _byte(file: BinaryIO) -> int:
    read = file.read(1)
    if not read:
        raise PictureRefused("the GIF is broken off")
    return read[0]


def _skip_colours(file: BinaryIO, flags: int) -> None:
    """Go behind a colour table, if there is one: `flags` say so, and how large it is."""
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, 1)
