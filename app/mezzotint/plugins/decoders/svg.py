"""SVG: drawn, never served to be drawn by a browser."""

import io
from xml.etree.ElementTree import ParseError

from mezzotint.plugin_api import Image, IsolatedDecoder, PictureRefused, check_size

_MOST_BYTES = 1_000_000
_MOST_ELEMENTS = 20_000
_DEEPEST = 100
_SIDE = 2048
"""to which a smaller drawing is scaled up: it has no pixels of its own"""
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_WARMING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">'
    + "".join(
        f'<text y="30" font-family="{family}" font-weight="{weight}" font-style="{style}">Ag</text>'
        for family in ("sans-serif", "serif", "monospace")
        for weight in ("normal", "bold")
        for style in ("normal", "italic")
    )
    + "</svg>"
)


class SvgDecoder(IsolatedDecoder):
    """Without a document type, entities, and anything that lies outside the file."""

    name, media_type = "svg", "image/svg+xml"
    loaders = ("VipsForeignLoadSvg",)

    def sniff(self, head: bytes) -> bool:
        text = head[2:].decode(_WIDE[head[:2]], "ignore") if head[:2] in _WIDE else head.decode("latin-1")
        return text.removeprefix("\xef\xbb\xbf").lstrip().startswith("<") and "<svg" in text

    def prepare(self) -> None:
        """Draws letters, since fonts are opened when they are first needed."""
        import defusedxml.ElementTree  # noqa: F401
        import pyvips

        pyvips.Image.svgload_buffer(_WARMING.encode()).avg()

    def decode(self, data: bytes, max_pixels: int) -> Image:
        import pyvips

        _check(data)
        drawing = pyvips.Image.svgload_buffer(data)
        check_size(drawing.width, drawing.height, max_pixels)
        scale = max(1.0, _SIDE / max(drawing.width, drawing.height))
        check_size(round(drawing.width * scale), round(drawing.height * scale), max_pixels)
        return pyvips.Image.svgload_buffer(data, scale=scale)


def _check(data: bytes) -> None:
    """Raises PictureRefused for a document that is too much to draw, or more than a drawing."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    if len(data) > _MOST_BYTES:
        raise PictureRefused(f"the SVG has more than {_MOST_BYTES} bytes")
    elements = depth = 0
    try:
        for event, _ in iterparse(io.BytesIO(data), ("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            elements += event == "start"
            if elements > _MOST_ELEMENTS or depth > _DEEPEST:
                raise PictureRefused(f"the SVG has more than {_MOST_ELEMENTS} elements or is nested beyond {_DEEPEST}")
    except (DefusedXmlException, ParseError, ValueError, LookupError) as problem:
        raise PictureRefused("the SVG has a document type or entities, or is not XML") from problem
