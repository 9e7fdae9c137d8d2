"""Native libraries that are too old are not used."""

from importlib import import_module

import pytest

from mezzotint.imaging.renderer import process
from mezzotint.plugin_api import PluginUnfit
from mezzotint.plugins.decoders.bmp import BmpDecoder
from mezzotint.plugins.decoders.heic import HeicDecoder
from mezzotint.plugins.decoders.pdf import PdfDecoder


@pytest.mark.parametrize(
    ("decoder", "module", "library"),
    [(HeicDecoder, "heic", "libheif"), (PdfDecoder, "pdf", "PDFium"), (BmpDecoder, "magick", "ImageMagick")],
)
def test_a_decoder_refuses_a_library_that_is_older_than_it_trusts(
    monkeypatch: pytest.MonkeyPatch, decoder: type, module: str, library: str
) -> None:
    monkeypatch.setattr(import_module(f"mezzotint.plugins.decoders.{module}"), "_LOWEST", (99_999,))
    with pytest.raises(PluginUnfit, match=f"{library} .* 99999 is the oldest"):
        decoder().prepare()


def test_the_libraries_that_are_locked_are_new_enough() -> None:
    process.check_libvips()
    HeicDecoder().prepare()
    PdfDecoder().prepare()


@pytest.mark.parametrize(("name", "value"), [("LIBVIPS", (8, 17)), ("LOWEST_LIBVIPS", (8, 18, 99))])
def test_renderers_start_with_no_other_libvips(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    monkeypatch.setattr(process, name, value)
    with pytest.raises(SystemExit, match=r"libvips 8\.18\.\d+ was found where .* is wanted"):
        process.check_libvips()
