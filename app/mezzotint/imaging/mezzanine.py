"""Mezzanines: a large original, once, as a JPEG from which its smaller variants are rendered at a third of the cost."""

from __future__ import annotations

import time

import pyvips

from mezzotint.imaging import picture
from mezzotint.imaging.decode import Decoders, Limits, Source
from mezzotint.imaging.geometry import MEZZANINE_SIDE, Layout, Region, Symmetry, place
from mezzotint.imaging.jobs import MezzanineJob, Rendered
from mezzotint.model.errors import PictureRefused
from mezzotint.plugin_api import Image, Target

_QUALITY = 92
"""at which a variant made of the mezzanine is as good as one made of the original"""


def mezzanine(decoders: Decoders, job: MezzanineJob) -> Rendered:
    """The picture in `job.source` upright, in sRGB, MEZZANINE_SIDE pixels long. Raises UnsupportedType, PictureRefused.

    A JPEG whatever the enabled formats are: nothing else is decoded as quickly, and shrunk while it is.
    """
    started, cpu_started = time.perf_counter(), time.process_time()
    source = decoders.open(job.source, Limits(pixels=job.max_pixels))
    try:
        image = reduced(source)
        data = bytes(image.jpegsave_buffer(Q=_QUALITY, subsample_mode="on", optimize_coding=True, keep="none"))
    except pyvips.Error as problem:
        raise PictureRefused(f"the {source.decoder.name} file can't be decoded") from problem
    return Rendered(
        data=data,
        format="jpg",
        media_type="image/jpeg",
        width=image.width,
        height=image.height,
        frames=1,
        cpu_ms=(time.process_time() - cpu_started) * 1000,
        elapsed_ms=(time.perf_counter() - started) * 1000,
    )


def reduced(source: Source) -> Image:
    """The picture upright, in sRGB, its longer side MEZZANINE_SIDE pixels or what it has. Raises pyvips.Error."""
    layout = Layout(
        target=Target(*source.upright),
        region=Region(0, 0, *source.size),
        symmetry=Symmetry.of_orientation(source.orientation),
        angle=0,
        box=source.upright,
        placement=place(source.upright, MEZZANINE_SIDE, MEZZANINE_SIDE, fit="inside"),
    )
    return picture.still(source, layout, None)
