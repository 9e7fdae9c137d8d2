"""How near a picture comes to what an exact resize of its original would show."""

from __future__ import annotations

import subprocess
import tempfile
from fractions import Fraction
from math import floor, trunc
from pathlib import Path
from typing import Any

import pyvips

from bench import tools
from bench.tasks import Size

_LOBES = 3


class Scale:
    """SSIMULACRA2 against an exact resize: 100 is the same, 90 can't be told apart, 70 is high quality, 50 medium."""

    def __init__(self) -> None:
        """Raises tools.Missing."""
        self._numpy = tools.numpy()
        self._command = tools.ssimulacra2()
        self._exact: dict[tuple[Path, Size], bytes] = {}

    def exact(self, file: Path, size: Size) -> bytes:
        """A PNG of the picture scaled to cover the size and cut to it about its middle: Lanczos, in floating point."""
        if (file, size) not in self._exact:  # it takes seconds
            self._exact[file, size] = self._resized(file, size)
        return self._exact[file, size]

    def score(self, exact: bytes, encoded: bytes) -> float:
        """Of an encoded picture of the same size."""
        with tempfile.TemporaryDirectory() as folder:
            one, other = Path(folder) / "exact.png", Path(folder) / "encoded.png"
            one.write_bytes(exact)
            pyvips.Image.new_from_buffer(encoded, "").pngsave(str(other))
            told = subprocess.run([self._command, "image", one, other], check=True, capture_output=True, text=True)
        return float(told.stdout.split()[-1])

    def _resized(self, file: Path, size: Size) -> bytes:
        source = pyvips.Image.new_from_file(str(file))
        scale = max(Fraction(size.width, source.width), Fraction(size.height or 0, source.height))
        whole = [floor(side * scale + Fraction(1, 2)) for side in (source.width, source.height)]
        wanted = size.width, size.height or whole[1]
        cut = [trunc(Fraction(side - part, 2)) for side, part in zip(whole, wanted, strict=True)]
        pixels = source.numpy().astype("float32")
        down = self._weights(source.height, float(scale), cut[1], wanted[1])
        across = self._weights(source.width, float(scale), cut[0], wanted[0])
        scaled = self._numpy.einsum("yxc,wx->ywc", self._numpy.tensordot(down, pixels, 1), across, optimize=True)
        levels = self._numpy.clip(self._numpy.rint(scaled), 0, 255).astype("uint8")
        return bytes(pyvips.Image.new_from_array(levels).copy(interpretation="srgb").pngsave_buffer())

    def _weights(self, length: int, scale: float, first: int, count: int) -> Any:
        """What each of `length` pixels gives to each of `count` scaled ones from the one numbered `first` on."""
        numpy = self._numpy
        middles = (numpy.arange(first, first + count) + 0.5) / scale - 0.5
        reach = _LOBES / scale
        taps = numpy.arange(-floor(reach) - 1, floor(reach) + 2)
        places = numpy.rint(middles)[:, None] + taps
        offsets = (places - middles[:, None]) * scale
        kernel = numpy.where(abs(offsets) < _LOBES, numpy.sinc(offsets) * numpy.sinc(offsets / _LOBES), 0)
        weights = numpy.zeros((count, length))
        inside = numpy.clip(places, 0, length - 1).astype(int)  # the outermost pixels go on beyond the edges
        numpy.add.at(weights, (numpy.arange(count)[:, None], inside), kernel)
        return (weights / weights.sum(1, keepdims=True)).astype("float32")
