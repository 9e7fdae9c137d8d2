"""Real photographs: upright, in the right colours, and with nothing of their owner in them."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import pyvips

from mezzotint.imaging.decode import Decoders
from mezzotint.imaging.inspection import inspect
from mezzotint.imaging.thorough import likeness
from mezzotint.model.errors import UnsupportedType
from tests.conftest import CORPUS
from tests.imaging.conftest import Renderer
from tests.imaging.pictures import close, distance, open_bytes, plain
from tests.imaging.pool import inspect_job

PHOTOS = CORPUS / "photos"
COVERED = {".jpg", ".png", ".gif", ".webp", ".avif"}


def photographs() -> Iterable[Path]:
    return sorted(path for path in PHOTOS.rglob("*") if path.suffix in COVERED)


def opened(photo: Path) -> pyvips.Image:
    # libvips knows an animated AVIF for its still picture only when told so.
    return (pyvips.Image.heifload if photo.suffix == ".avif" else pyvips.Image.new_from_file)(str(photo))


def talkative(photo: Path) -> bool:
    """Whether the file says more than its pixels."""
    return any(name.startswith(("exif-d", "xmp", "iptc", "icc")) for name in opened(photo).get_fields())


def named(path: Path) -> str:
    return path.name


each = pytest.mark.parametrize("photo", photographs(), ids=named)


@pytest.mark.parametrize(
    ("photo", "ext"),
    [
        pytest.param(photo, ext, id=f"{ext}-{photo.name}")
        for ext in ("jpg", "webp", "avif", "png", "gif")
        for photo in photographs()
        if ext != "gif" or not opened(photo).hasalpha()  # GIF has no soft transparency
    ],
)
def test_comes_out_as_libvips_shows_it(render: Renderer, photo: Path, ext: str) -> None:
    """libvips' own thumbnail goes another way: it manages colour and orientation in its own order."""
    operations = "w_200" if ext == "png" else "w_200-q_90"
    result = render.picture(photo, operations, ext)
    upright = opened(photo).autorot()
    width = min(200, upright.width)
    assert (result.width, result.height) == (width, (2 * width * upright.height // upright.width + 1) // 2)
    expected = upright.thumbnail_image(width, height=result.height, size="force", export_profile="srgb")
    assert distance(result, expected) < 8


@pytest.mark.parametrize("name", ["bus_12mp_p3_iphone", "dog_12mp_exif6_extxmp", "drone_9mp_gps"])
def test_a_jpeg_is_more_like_the_picture_than_by_the_standard_tables(render: Renderer, name: str) -> None:
    photo = PHOTOS / f"{name}.jpg"
    pixels, made = render.picture(photo, "w_500"), render.bytes(photo, "w_500-q_80", "jpg").data
    standard = (pixels.jpegsave_buffer(Q=quality, optimize_coding=True, keep="none") for quality in range(80, 70, -1))
    as_small = next(data for data in standard if len(data) <= len(made))
    assert likeness(pixels, made) > likeness(pixels, as_small)


@pytest.mark.parametrize("photo", [photo for photo in photographs() if talkative(photo)], ids=named)
@pytest.mark.parametrize("ext", ["jpg", "webp", "avif", "png", "gif"])
def test_carries_no_metadata(render: Renderer, photo: Path, ext: str) -> None:
    data = render.bytes(photo, "w_100", ext).data
    for mark in (
        b"Exif",
        b"http://ns.adobe.com",
        b"xpacket",
        b"8BIM",
        b"ICC_PROFILE",
        b"iCCP",
        b"GPS",
        b"MPF\0",
        b"tEXt",
    ):
        assert mark not in data
    if ext == "jpg":
        assert len(re.findall(b"\xff\xd8\xff", data)) == 1  # no thumbnail or gain map behind
    fields = open_bytes(data).get_fields()
    assert not [name for name in fields if name.startswith(("exif", "xmp", "iptc", "icc"))]


@each
def test_is_inspected(decoders: Decoders, photo: Path) -> None:
    facts = inspect(decoders, inspect_job(photo))
    expected = opened(photo).autorot()
    assert (facts.width, facts.height) == (expected.width, expected.height)
    assert facts.format == {".jpg": "jpeg"}.get(photo.suffix, photo.suffix[1:])
    assert facts.has_alpha == expected.hasalpha()
    assert ("gps" in facts.exif) == any(name.startswith("exif-ifd3-GPSL") for name in expected.get_fields())


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("operations", ["w_300", "w_200-h_200-g_north", "w_100-h_300-r_90-flop"])
def test_orientations_look_alike(render: Renderer, corpus: Path, orientation: int, operations: str) -> None:
    folder = corpus / "photos/orientation"
    expected = render.picture(folder / "Landscape_1.jpg", operations)
    assert distance(render.picture(folder / f"Landscape_{orientation}.jpg", operations), expected) < 6


@pytest.mark.parametrize("ext", ["jpg", "webp", "avif", "png", "gif"])
def test_profile_that_swaps_channels_is_applied(render: Renderer, corpus: Path, ext: str) -> None:
    result = plain(render.picture(corpus / "photos/channelswap_icc.jpg", "w_200", ext))
    red, green, blue = result(100, 30)
    assert red > 180
    assert max(green, blue) < 80


@pytest.mark.parametrize(
    ("name", "like", "most"),
    [
        ("kimono_irot.avif", "kimono_progressive_portrait.jpg", 4),
        ("hato_6mp_8bit.avif", "hato_6mp.jpg", 4),
        ("derived/bus_12mp_grid48.avif", "bus_12mp_p3_iphone.jpg", 4),
        ("derived/bus_12mp_cmyk.jpg", "bus_12mp_p3_iphone.jpg", 6),
        ("derived/bus_cmyk_noprofile.jpg", "bus_12mp_p3_iphone.jpg", 9),
        ("derived/bus_palette.png", "bus_12mp_p3_iphone.jpg", 4),
        ("derived/bus_12mp_progressive.jpg", "bus_12mp_p3_iphone.jpg", 2),
        ("paris_p3_gainmap_mpf.jpg", "paris_gps_exif_xmp_icc.jpg", 14),
    ],
)
def test_twins_look_alike(render: Renderer, corpus: Path, name: str, like: str, most: float) -> None:
    photos = corpus / "photos"
    one, other = render.picture(photos / name, "w_200"), render.picture(photos / like, "w_200")
    assert distance(one, other) < most


@pytest.mark.parametrize("name", ["weld_16bit_rgb.png", "cosmos_10bit_p3_pq.avif"])
def test_deep_pictures_become_8_bit(render: Renderer, corpus: Path, name: str) -> None:
    result = render.picture(corpus / "photos" / name, "w_300")
    assert result.format == "uchar"
    deep = pyvips.Image.new_from_file(str(corpus / "photos" / name))
    assert abs(plain(result).avg() - deep.avg() / 257) < 2


@pytest.mark.parametrize("name", ["kodim03_gray_gamma16.png", "concert_gray.jpg"])
def test_gray_stays_one_channel(render: Renderer, corpus: Path, name: str) -> None:
    assert render.picture(corpus / "photos" / name, "w_300", "jpg").bands == 1


def test_grid_of_tiles_is_one_picture(render: Renderer, corpus: Path) -> None:
    rendered = render.bytes(corpus / "photos/sofa_grid.avif", "w_512", "webp")
    assert (rendered.width, rendered.height, rendered.frames) == (512, 385, 1)


@pytest.mark.parametrize("ext", ["png", "webp", "avif"])
def test_soft_transparency_survives(render: Renderer, corpus: Path, ext: str) -> None:
    source = corpus / "photos/blackbug_alpha.png"
    alpha = render.picture(source, "w_200", ext)[3]
    expected = pyvips.Image.new_from_file(str(source))[3].resize(200 / 2048)
    assert float((alpha - expected).abs().avg()) < 2


@pytest.mark.parametrize(
    "name", ["plum.svg", "derived/bus_12mp_p3.heic", "derived/drone_3page.tif", "derived/bus_1page.pdf"]
)
def test_other_formats_are_refused(render: Renderer, corpus: Path, name: str) -> None:
    with pytest.raises(UnsupportedType):
        render.bytes(corpus / "photos" / name, "w_100")


def test_inspection_finds_the_facts(decoders: Decoders, corpus: Path) -> None:
    facts = inspect(decoders, inspect_job(corpus / "photos/dog_12mp_exif6_extxmp.jpg"))
    assert (facts.width, facts.height, facts.orientation) == (3024, 4032, 6)
    assert (facts.colour_space, facts.bits, facts.frames, facts.has_alpha) == ("srgb", 8, 1, False)
    assert facts.exif["image"]["Orientation"] == "6"
    assert facts.media_type == "image/jpeg"
    gray = inspect(decoders, inspect_job(corpus / "photos/concert_gray.jpg"))
    assert gray.colour_space == "gray"
    red = inspect(decoders, inspect_job(corpus / "photos/derived/bus_12mp_cmyk.jpg"))
    assert red.colour_space == "cmyk"


def test_dominant_colour_is_seen(render: Renderer, decoders: Decoders, corpus: Path) -> None:
    facts = inspect(decoders, inspect_job(corpus / "photos/drone_9mp_gps.jpg"))
    colour = bytes.fromhex(facts.dominant_colour[1:])
    small = render.picture(corpus / "photos/drone_9mp_gps.jpg", "w_32")
    near = [close(small(x, y), tuple(colour), 48) for x in range(small.width) for y in range(small.height)]
    assert sum(near) > len(near) / 5
