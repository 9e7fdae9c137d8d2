"""What renderers are asked and what they answer. A job's `source` is a file, in a renderer its descriptor."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

ENGINE = "3"
"""The revision of what turns plans into pixels; raised when the same plan would give other pixels."""
_KEPT_BACK = frozenset({"source", "content_hash", "upright", "heavy", "until"})


def fields_of(message: Any) -> dict[str, Any]:
    """The fields of a job or an answer. Unlike dataclasses' `asdict` it copies nothing, which took a moment."""
    return {field.name: getattr(message, field.name) for field in fields(message)}


def facts_of(job: Any) -> dict[str, Any]:
    """What renderers are told of a job. Its file comes beside, and the rest is not their business."""
    return {name: value for name, value in fields_of(job).items() if name not in _KEPT_BACK}


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantJob:
    """A variant to make of an original.

    `operations` and `ext` are a resolved plan's: no preset and no `auto` format in it. `deadline` is in seconds from
    now, waiting included; `max_pixels` bounds the original (width x height x frames), `max_output_pixels` the output.
    `content_hash` is that of the original, under which what is made of it may be kept. `upright` is the original's
    upright width and height where its pixels, decoded and kept, will do. A `background` job is one that nobody waits
    for. A `thorough` one takes all the time that smaller bytes of the same quality cost. Where it is `heavy`, time or
    memory that it lacked is not held against the original. `until` is the moment when its deadline ends, by the clock
    that counts since the machine's start, where it began before.
    """

    operations: str
    ext: str
    tenant: str
    deadline: float
    max_pixels: int
    max_output_pixels: int
    background: bool = False
    thorough: bool = False
    content_hash: str | None = None
    upright: tuple[int, int] | None = None
    heavy: bool = False
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob(VariantJob):
    """A variant to make from the file `source`.

    `original` is the upright width and height of the original when `source` is its mezzanine, or when it is `decoded`:
    its pixels as another job left them.
    """

    source: Path | int
    original: tuple[int, int] | None = None
    decoded: bool = False

    @classmethod
    def of(cls, job: VariantJob, source: Path | int, original: tuple[int, int] | None = None, **more: bool) -> Self:
        """`job`, to be done with that file."""
        return cls(**fields_of(job) | {"source": source, "original": original} | more)


@dataclass(frozen=True, slots=True)
class MezzanineJob:
    """The mezzanine of the file `source` to make: see `imaging.mezzanine`. Always a background job."""

    source: Path | int
    tenant: str
    deadline: float
    max_pixels: int
    background: bool = True
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class InspectJob:
    """The facts of the file `source` to find out, by decoding all of it."""

    source: Path | int
    tenant: str
    deadline: float
    max_pixels: int
    background: bool = False
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A variant: its bytes, its size in pixels (of one frame), and what it cost in milliseconds.

    `kept`: the original's pixels are in the file that came for them.
    """

    data: bytes
    format: str
    media_type: str
    width: int
    height: int
    frames: int
    cpu_ms: float
    elapsed_ms: float
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Inspection:
    """The facts of an original. `width` and `height` are those of the upright picture, of one frame of it."""

    format: str
    media_type: str
    width: int
    height: int
    orientation: int
    has_alpha: bool
    frames: int
    colour_space: str
    bits: int
    exif: dict[str, Any]
    dominant_colour: str
    """#rrggbb"""
    thumbhash: str
    """base64"""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """How the renderer pool is doing: workers at all, those at work, jobs waiting, and the libvips it runs."""

    workers: int
    busy: int
    queued: int
    libvips: str
