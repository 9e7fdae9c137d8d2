"""Two small landscapes as PNG, computed, so that a new installation has something to show."""

import math
import struct
import zlib

WIDTH, HEIGHT = 1200, 800
Colour = tuple[int, int, int]


def landscape(*, night: bool) -> bytes:
    """A PNG of WIDTH by HEIGHT pixels, the same bytes every time."""
    sky: tuple[Colour, Colour] = ((12, 16, 48), (70, 60, 120)) if night else ((40, 110, 200), (255, 214, 170))
    hills: list[Colour] = (
        [(48, 44, 84), (30, 28, 58), (14, 14, 30)] if night else [(122, 150, 160), (72, 116, 96), (30, 70, 48)]
    )
    disc: Colour = (236, 236, 214) if night else (255, 244, 200)
    columns = [[horizon(x, layer) for x in range(WIDTH)] for layer in range(len(hills))]
    rows = bytearray()
    for y in range(HEIGHT):
        share = y / HEIGHT
        line = bytearray(bytes(round(a + (b - a) * share) for a, b in zip(*sky, strict=True)) * WIDTH)
        reach = 90**2 - (y - 230) ** 2
        if reach > 0:
            half = math.isqrt(reach)
            line[3 * (860 - half) : 3 * (860 + half)] = bytes(disc) * (2 * half)
        for hill, column in zip(hills, columns, strict=True):
            for x in range(WIDTH):
                if y >= column[x]:
                    line[3 * x : 3 * x + 3] = bytes(hill)
        rows += b"\0" + line
    return png(bytes(rows))


def horizon(x: int, layer: int) -> int:
    """The height, from the top, at which a layer of hills begins."""
    return round(430 + 110 * layer + 60 * math.sin(x / (170 - 40 * layer) + 2 * layer) + 18 * math.sin(x / 41 + layer))


def png(rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
