"""The pictures to measure with: real photographs as far as there are any, all brought to one size."""

from __future__ import annotations

import sys
from pathlib import Path

import pyvips

from bench import tools

OURS = Path(__file__).parents[2] / "shared/corpus/photos"
DEBIAN = ("lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04")
NAMES = (
    "bus_12mp_p3_iphone",
    "dog_12mp_exif6_extxmp",
    "drone_9mp_gps",
    "Bridge_by_Sander_Klootwijk",
    "Dragonfly_by_Bolly",
    "Fossa_by_Jasper_Roks",
    "Kleiber_by_Lukas_Baubkus",
    "picosdeeuropa_by_Aitzol_Berasategi",
    "seeding_by_Clements_Engelhardt",
    "sunset_by_Aitzol_Berasategi",
)
FEWEST = 8
_OCTAVES = 7


def prepare(folder: Path, width: int, height: int) -> list[Path]:
    """JPEGs of quality 90 of `width` x `height` in `folder`, one of each photograph, at least FEWEST."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = _photographs()
    prepared = []
    for number in range(max(FEWEST, len(sources))):
        file = folder / f"{number}.jpg"
        if number < len(sources):
            image = pyvips.Image.thumbnail(
                str(sources[number]), width, height=height, crop="centre", export_profile="srgb"
            )
        else:
            image = _invented(width, height, seed=number)
        image.jpegsave(str(file), Q=90, optimize_coding=True, keep="none")
        prepared.append(file)
    return prepared


def _photographs() -> list[Path]:
    folders = [OURS]
    try:
        folders.append(tools.debian(DEBIAN) / "usr/share/backgrounds")
    except tools.Missing as problem:
        sys.stderr.write(f"bench: no photographs from Debian, {problem}\n")
    return [file for name in NAMES for folder in folders if (file := folder / f"{name}.jpg").exists()]


def _invented(width: int, height: int, seed: int) -> pyvips.Image:
    """Noise with as much in every octave, as photographs have it."""
    image = pyvips.Image.black(1, 1)
    for octave in range(_OCTAVES):
        across, down = -(-width >> octave), -(-height >> octave)
        noise = pyvips.Image.gaussnoise(across, down, mean=0, sigma=24, seed=seed * _OCTAVES + octave)
        image = image + noise.resize(1 << octave, kernel="cubic").crop(0, 0, width, height)
    shades = [image + 128, image * 0.8 + 120, image * 0.6 + 110]
    return shades[0].bandjoin(shades[1:]).cast("uchar").copy(interpretation="srgb")
