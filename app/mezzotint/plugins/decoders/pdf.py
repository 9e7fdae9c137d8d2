"""PDF: its first page."""

from mezzotint.plugin_api import MAX_SIDE, Image, IsolatedDecoder, PictureRefused, check_size, need_version

_SCALE = 200 / 72
"""200 dots an inch; a page is measured in points"""
_MOST_PAGES = 500
_LOWEST = (8149,)
"""PDFium's build"""


class PdfDecoder(IsolatedDecoder):
    """On white, at 200 dpi, or less where that would be too many pixels."""

    name, media_type = "pdf", "application/pdf"

    def sniff(self, head: bytes) -> bool:
        return head.startswith(b"%PDF-")

    def prepare(self) -> None:
        import pypdfium2

        need_version("PDFium", (pypdfium2.PDFIUM_INFO.build,), _LOWEST)
        pypdfium2.PdfDocument.new().close()

    def decode(self, data: bytes, max_pixels: int) -> Image:
        import pypdfium2
        import pyvips

        try:
            document = pypdfium2.PdfDocument(data)
            if len(document) > _MOST_PAGES:
                raise PictureRefused(f"the PDF has more than {_MOST_PAGES} pages")
            page = document[0]
            width, height = page.get_size()
            if not (width > 0 and height > 0):
                raise PictureRefused("the PDF's first page is empty")
            # A pixel is lost to rounding up on each side, so it is allowed for.
            scale = min(_SCALE, (max_pixels / (width * height)) ** 0.5 * 0.99, (MAX_SIDE - 1) / max(width, height))
            check_size(round(width * scale), round(height * scale), max_pixels)
            bitmap = page.render(scale=scale, rev_byteorder=True)
            pixels, columns, rows, bands, stride = (
                bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.n_channels, bitmap.stride,
            )  # fmt: skip
        except pypdfium2.PdfiumError as problem:
            raise PictureRefused("the pdf file can't be read") from problem
        whole = pyvips.Image.new_from_memory(pixels, stride, rows, 1, "uchar")
        tight = whole.crop(0, 0, columns * bands, rows).write_to_memory()
        return pyvips.Image.new_from_memory(tight, columns, rows, bands, "uchar").copy(interpretation="srgb")[:3]
