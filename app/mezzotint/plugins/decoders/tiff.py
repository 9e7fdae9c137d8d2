"""TIFF."""

from mezzotint.plugin_api import Image, IsolatedDecoder, PictureRefused, check_size


class TiffDecoder(IsolatedDecoder):
    """The first page. libvips reads it, by a library whose record asks for a place apart."""

    name, media_type = "tiff", "image/tiff"
    by_default = True
    loaders = ("VipsForeignLoadTiff",)

    def sniff(self, head: bytes) -> bool:
        return head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))

    def decode(self, data: bytes, max_pixels: int) -> Image:
        import pyvips

        pyvips.Error("")  # takes what libvips complained of before
        image = pyvips.Image.tiffload_buffer(data, access="sequential", fail_on="error")
        check_size(image.width, image.height, max_pixels)
        image = image.copy_memory()
        if pyvips.Error("").detail:  # of a broken tile it complains, and goes on all the same
            raise PictureRefused("the tiff file is damaged")
        return image.autorot()
