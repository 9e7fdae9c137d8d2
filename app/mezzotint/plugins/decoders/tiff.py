"""TIFF."""

from mezzotint.plugin_api import Image, IsolatedDecoder, check_size


class TiffDecoder(IsolatedDecoder):
    """The first page. libvips reads it, by a library whose record asks for a place apart."""

    name, media_type = "tiff", "image/tiff"
    loaders = ("VipsForeignLoadTiff",)

    def sniff(self, head: bytes) -> bool:
        return head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))

    def decode(self, data: bytes, max_pixels: int) -> Image:
        import pyvips

        image = pyvips.Image.tiffload_buffer(data, access="sequential", fail_on="error")
        check_size(image.width, image.height, max_pixels)
        return image if _orientation(image) == 1 else image.copy_memory().autorot()


def _orientation(image: Image) -> int:
    return int(image.get("orientation")) if image.get_typeof("orientation") else 1
