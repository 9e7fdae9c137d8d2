from mezzotint.plugin_api import Image, IsolatedDecoder
from tests.imaging.mischief.deeds import DEEDS

MARK = b"MISCHIEF "


class MischiefDecoder(IsolatedDecoder):
    """Does the deed that its file names, among the isolated renderers."""

    name, media_type = "mischief", "image/x-mischief"

    def sniff(self, head: bytes) -> bool:
        return head.startswith(MARK)

    def decode(self, data: bytes, max_pixels: int) -> Image:
        DEEDS[data.removeprefix(MARK).decode()]()
