"""What is refused before a pixel is decoded."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import pyvips

from mezzotint.imaging.decode import Decoders, Limits
from mezzotint.imaging.inspection import inspect
from mezzotint.model.errors import PictureRefused, UnsupportedType
from tests.imaging.conftest import MEGAPIXELS_50, Renderer
from tests.imaging.pictures import gradient, noise, solid
from tests.imaging.pool import inspect_job

SAVERS = {"jpeg": "jpg", "png": "png", "webp": "webp", "gif": "gif", "avif": "avif"}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, depth: int = 8, colour: int = 2, more: bytes = b"") -> bytes:
    """A PNG that announces this size; its pixels are missing."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(("name", "suffix"), SAVERS.items())
def test_formats_are_known_by_their_bytes(decoders: Decoders, tmp_path: Path, name: str, suffix: str) -> None:
    gradient(40, 30).write_to_file(str(tmp_path / f"picture.{suffix}"))
    disguised = (tmp_path / f"picture.{suffix}").rename(tmp_path / "page.html")
    source = decoders.open(disguised, Limits(MEGAPIXELS_50))
    assert (source.decoder.name, source.size, source.frames) == (name, (40, 30), 1)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"BM" + bytes(60),
        b"II*\0" + bytes(60), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), b"P6 1 1 255 abc",
        b"RIFF\0\0\0\0WAVEfmt ", b"GIF88a" + bytes(20),
    ],
)  # fmt: skip
def test_other_bytes_are_refused(decoders: Decoders, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.jpg"
    path.write_bytes(data)
    with pytest.raises(UnsupportedType):
        decoders.open(path, Limits(MEGAPIXELS_50))


@pytest.mark.parametrize(
    "begin", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"GIF89a", b"\0\0\0\x14ftypavif\0\0\0\0avif"]
)
def test_nothing_behind_a_good_beginning_is_refused(decoders: Decoders, tmp_path: Path, begin: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(begin + bytes(100))
    with pytest.raises(PictureRefused):
        decoders.open(path, Limits(MEGAPIXELS_50))


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (png(30_001, 1), "side"),
        (png(8000, 6251), "pixels"),
        (png(7000, 7000, depth=16, colour=6), None),  # 392 MB: below 512
        (png(8000, 6250, depth=16, colour=6), None),
        (png(20_000, 20_000), "pixels"),
        (png(10, 10, more=chunk(b"tEXt", b"a\0b") * 65), "texts"),
        (png(10, 10, more=chunk(b"tEXt", b"a\0b") * 64), None),
        (png(10, 10, more=chunk(b"zTXt", b"a\0\0x") * 17), "packed"),
        (png(10, 10, more=chunk(b"iTXt", b"a\0\0\0\0\0x") * 16), None),
        (png(10, 10, more=chunk(b"abCd", b"") * 100_001), "chunks"),
    ],
)
def test_limits_of_a_header(decoders: Decoders, tmp_path: Path, picture: bytes, reason: str | None) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(picture)
    if reason is None:
        decoders.open(path, Limits(MEGAPIXELS_50))
        return
    with pytest.raises(PictureRefused, match=reason):
        decoders.open(path, Limits(MEGAPIXELS_50))


def test_blocks_of_a_gif_are_bounded(decoders: Decoders, tmp_path: Path) -> None:
    path = tmp_path / "blocks.gif"
    whole = bytes(gradient(8, 8).gifsave_buffer())
    start = whole.index(b"\x2c", 13)
    path.write_bytes(whole[:start] + b"!\xfe\0" * 99_000 + whole[start:])
    decoders.open(path, Limits(MEGAPIXELS_50))
    path.write_bytes(whole[:start] + b"!\xfe\0" * 100_000 + whole[start:])
    with pytest.raises(PictureRefused, match="blocks"):
        decoders.open(path, Limits(MEGAPIXELS_50))


def test_decoded_bytes_are_bounded(decoders: Decoders, tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    path.write_bytes(png(100, 100, depth=16, colour=6))
    decoders.open(path, Limits(MEGAPIXELS_50, decoded_bytes=80_000))
    with pytest.raises(PictureRefused, match="bytes"):
        decoders.open(path, Limits(MEGAPIXELS_50, decoded_bytes=79_999))


@pytest.mark.parametrize("text", [b"T\xedtulo\0a picture", b"Title\0un t\xedtulo", b"\0", b"\xff\xfe\0\xff"])
def test_texts_that_are_not_utf8_do_no_harm(decoders: Decoders, tmp_path: Path, text: bytes) -> None:
    """PNG has its texts and their names in Latin-1."""
    path = tmp_path / "text.png"
    whole = bytes(gradient(10, 10).pngsave_buffer())
    path.write_bytes(whole[:33] + chunk(b"tEXt", text) + whole[33:])
    assert inspect(decoders, inspect_job(path)).format == "png"


def test_metadata_is_bounded(decoders: Decoders, tmp_path: Path) -> None:
    image = gradient(10, 10).copy()
    image.set_type(pyvips.GValue.blob_type, "xmp-data", bytes(50_000))
    image.jpegsave(str(tmp_path / "talkative.jpg"))
    decoders.open(tmp_path / "talkative.jpg", Limits(MEGAPIXELS_50, metadata_bytes=60_000))
    with pytest.raises(PictureRefused, match="metadata"):
        decoders.open(tmp_path / "talkative.jpg", Limits(MEGAPIXELS_50, metadata_bytes=40_000))


@pytest.mark.parametrize("suffix", SAVERS.values())
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_half_a_file_is_refused(render: Renderer, tmp_path: Path, suffix: str, part: float) -> None:
    whole = tmp_path / f"whole.{suffix}"
    noise(400, 300).write_to_file(str(whole))
    half = tmp_path / f"half.{suffix}"
    half.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * part)])
    with pytest.raises(PictureRefused):
        render.bytes(half, "w_100", "jpg")


def test_names_are_names(render: Renderer, tmp_path: Path) -> None:
    """libvips reads options out of file names where it is let."""
    path = tmp_path / "picture.png[shrink=2]:%d@.png"
    solid(8, 8, (1, 2, 3)).pngsave(str(tmp_path / "plain.png"))
    (tmp_path / "plain.png").rename(path)
    assert render.picture(path, "w_8").width == 8


def test_nothing_else_can_be_loaded(tmp_path: Path) -> None:
    """In a process of its own: what is blocked stays blocked."""
    gradient(8, 8).tiffsave(str(tmp_path / "picture.tif"))
    (tmp_path / "picture.ppm").write_bytes(b"P6 1 1 255 abc")
    (tmp_path / "picture.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    for suffix in SAVERS.values():
        gradient(8, 8).write_to_file(str(tmp_path / f"picture.{suffix}"))
    script = """
import sys, pyvips
from mezzotint import registry
from mezzotint.imaging.decode import Decoders
Decoders(decoder() for decoder in registry.load(["standard"]).decoders.values()).allow_only_these()
for suffix in sys.argv[2:]:
    try:
        pyvips.Image.new_from_file(f"{sys.argv[1]}/picture.{suffix}").avg()
        print(suffix, end=" ")
    except pyvips.Error:
        pass
"""
    suffixes = [*SAVERS.values(), "tif", "ppm", "svg"]
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), *suffixes], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == list(SAVERS.values())
