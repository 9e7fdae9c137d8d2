"""Pictures made to cost more than they seem, which no corpus has."""

import struct
import zlib
from collections.abc import Callable

import pyvips

from tests.imaging.pictures import gradient, solid
from tests.imaging.test_decode import chunk, png

MEGABYTE = 1024**2


def inflating(megabytes: int) -> bytes:
    """Some kilobytes that become megabytes."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)) + packer.flush()


def png_with(*chunks: bytes) -> bytes:
    """A sound small PNG with more chunks behind its header."""
    whole = gradient(16, 16).pngsave_buffer()
    header = 8 + 25
    return whole[:header] + b"".join(chunks) + whole[header:]


def jpeg_with(segments: bytes) -> bytes:
    """A sound small JPEG with more segments behind its first marker."""
    whole = gradient(16, 16).jpegsave_buffer()
    return whole[:2] + segments + whole[2:]


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def large_profile() -> bytes:
    """A colour profile in as many segments as there may be: 16 MB."""
    part = bytes(65_500)
    return jpeg_with(b"".join(segment(0xE2, b"ICC_PROFILE\0" + bytes([at, 255]) + part) for at in range(1, 256)))


def many_scans() -> bytes:
    """A progressive JPEG that goes over its whole picture again and again: each scan is a few bytes, and work."""
    whole = solid(4000, 4000, (1, 2, 3)).jpegsave_buffer(interlace=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * 2000 + whole[-2:]


def many_frames() -> bytes:
    """A GIF of 250 frames of a quarter megapixel: 62 megapixels in a few kilobytes."""
    frame = solid(500, 500, (1, 2, 3)).gifsave_buffer()
    start = frame.index(b"\x2c", 13)
    head, body = frame[:start], frame[start:-1]
    return head + body * 250 + b";"


def many_blocks() -> bytes:
    """A small GIF behind more empty comments than there may be blocks."""
    whole = solid(16, 16, (1, 2, 3)).gifsave_buffer()
    start = whole.index(b"\x2c", 13)
    return whole[:start] + b"!\xfe\0" * 100_001 + whole[start:]


def wide_canvas() -> bytes:
    """An animated WebP whose canvas is all there is to it: 268 megapixels around a frame of one pixel."""
    still = solid(1, 1, (1, 2, 3)).webpsave_buffer(lossless=True, keep="none")
    side = (16_384 - 1).to_bytes(3, "little")
    frame = bytes(6) + bytes(3) + bytes(3) + (100).to_bytes(3, "little") + b"\0" + still[12:]
    body = b"WEBP" + riff(b"VP8X", b"\x02\0\0\0" + side + side) + riff(b"ANIM", bytes(6)) + riff(b"ANMF", frame) * 2
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def boasting_avif() -> bytes:
    """A small AVIF that says in its header that it is 20,000 pixels wide and high."""
    whole = bytes(gradient(64, 64).heifsave_buffer(compression="av1"))
    said = b"ispe" + bytes(4) + struct.pack(">II", 64, 64)
    assert said in whole
    return whole.replace(said, b"ispe" + bytes(4) + struct.pack(">II", 20_000, 20_000))


def strange_words() -> bytes:
    """A small AVIF that needs a property of a name which is no text; libraries quote it as they complain."""
    whole = bytes(gradient(64, 64).heifsave_buffer(compression="av1"))
    needed = b"\x03\x81\x02\x03", b"\x03\x81\x02\x83"  # the third of its three properties: now essential
    assert needed[0] in whole
    return whole.replace(b"pixi", b"pix\xfd").replace(*needed)


def broken_off(suffix: str) -> bytes:
    """The first nine tenths of an animation, or of a picture where the format has none."""
    strip = pyvips.Image.gaussnoise(64, 640, mean=128, sigma=40).cast("uchar")
    strip = strip.bandjoin([strip, strip]).copy(interpretation="srgb").copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", 64)
    whole = bytes(strip.write_to_buffer(suffix))
    return whole[: len(whole) * 9 // 10]


REFUSED: dict[str, Callable[[], bytes]] = {
    "texts.png": lambda: png_with(*[chunk(b"zTXt", b"a\0\0" + inflating(2))] * 17),
    "exif.png": lambda: png_with(chunk(b"eXIf", b"MM\0*" + bytes(9 * MEGABYTE))),
    "chunks.png": lambda: png_with(*[chunk(b"abCd", b"")] * 100_001),
    "no-pixels.png": lambda: png(4000, 4000),
    "scans.jpg": many_scans,
    "frames.gif": many_frames,
    "blocks.gif": many_blocks,
    "canvas.webp": wide_canvas,
    "boast.avif": boasting_avif,
    "words.avif": strange_words,
    "broken.gif": lambda: broken_off(".gif"),
    "broken.webp": lambda: broken_off(".webp"),
    "broken.png": lambda: broken_off(".png"),
    "broken.jpg": lambda: broken_off(".jpg"),
}

BEARABLE: dict[str, Callable[[], bytes]] = {
    "texts-within-bounds.png": lambda: png_with(*[chunk(b"zTXt", b"a\0\0" + inflating(8))] * 16),
    "text.png": lambda: png_with(chunk(b"iTXt", b"a\0\1\0\0\0" + inflating(200))),
    "profile.png": lambda: png_with(chunk(b"iCCP", b"a\0\0" + inflating(200))),
    "profile.jpg": large_profile,
}
"""Sound pictures beside what is left unread: they may be taken."""
