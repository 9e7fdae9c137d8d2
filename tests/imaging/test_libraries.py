"""Native libraries that are too old are not used."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mezzotint.imaging.renderer import process
from mezzotint.plugin_api import PluginUnfit
from mezzotint.plugins.decoders.bmp import BmpDecoder
from mezzotint.plugins.decoders.heic import HeicDecoder
from mezzotint.plugins.decoders.pdf import PdfDecoder
from tests.imaging.pool import REPOSITORY


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


def test_a_libvips_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "pyvips.py").write_text("raise OSError('cannot load library libvips.so.42')")
    script = "from mezzotint.imaging.renderer.process import check_libvips; check_libvips()"
    environment = {"PYTHONPATH": f"{tmp_path}:{REPOSITORY / 'app'}"}
    refused = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "libvips can't be loaded (cannot load library libvips.so.42). Install it again: pip"
    )
