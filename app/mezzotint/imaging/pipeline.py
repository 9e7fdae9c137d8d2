"""A file and a plan to bytes: the one way that every variant takes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyvips

from mezzotint.grammar import Grammar
from mezzotint.imaging import picture
from mezzotint.imaging.canvas import background_of, lay_on
from mezzotint.imaging.colour import premultiplied, straight
from mezzotint.imaging.decode import Decoders, Limits, Source
from mezzotint.imaging.geometry import SMART, Layout, Placement, lay_out, target_of
from mezzotint.imaging.jobs import Rendered, RenderJob
from mezzotint.imaging.resample import attend
from mezzotint.model.errors import OutputTooLarge, PictureRefused
from mezzotint.plugin_api import Encoder, Frame, Image, Operation, Stage, Target

_MIXING = (Stage.BLUR, Stage.SHARPEN)
"""Stages that mix neighbours, which is right on premultiplied colours alone."""


class Pipeline:
    """Makes variants with the operations, decoders and encoders it is given."""

    def __init__(self, grammar: Grammar, decoders: Decoders, encoders: Iterable[Encoder]) -> None:
        self._grammar = grammar
        self._decoders = decoders
        self._encoders = {encoder.format: encoder for encoder in encoders}

    def render(self, job: RenderJob) -> Rendered:
        """The variant `job` asks for. Raises PictureRefused, UnsupportedType, OutputTooLarge, InvalidOperation."""
        started, cpu_started = time.perf_counter(), time.process_time()
        plan = self._grammar.parse(job.operations, job.ext)
        operations = sorted(self._grammar.operations(plan), key=lambda operation: operation.stage)
        encoder = self._encoders[self._grammar.format(plan)]
        source = self._decoders.open(job.source, Limits(pixels=job.max_pixels))
        target = target_of(operations, source.upright)
        layout = lay_out(target, source.orientation)
        frames = source.frames if encoder.animation else 1
        layout.check(max_pixels=job.max_output_pixels, max_side=encoder.max_side, frames=frames)
        try:
            image = _draw(source, frames, target, layout, operations, encoder, job.max_output_pixels)
            data = encoder.encode(image, quality=target.quality)
        except pyvips.Error as problem:
            raise PictureRefused(f"the {source.decoder.name} file can't be decoded") from problem
        return Rendered(
            data=data,
            format=encoder.format,
            media_type=encoder.media_type,
            width=layout.output.width,
            height=layout.output.height,
            frames=frames,
            cpu_ms=(time.process_time() - cpu_started) * 1000,
            elapsed_ms=(time.perf_counter() - started) * 1000,
        )


def _draw(
    source: Source,
    frames: int,
    target: Target,
    layout: Layout,
    operations: Sequence[Operation],
    encoder: Encoder,
    max_pixels: int,
) -> Image:
    placement = layout.placement
    smart = target.gravity if target.fit == "cover" and target.gravity in SMART else None
    part = None if smart else placement.visible
    pictures = picture.animation(source, layout, part) if frames > 1 else [picture.still(source, layout, part)]
    if smart:
        pictures = [whole.copy_memory() for whole in pictures]
        placement = _aim(placement, pictures[0], smart, max_pixels)
        pictures = [whole.crop(*placement.visible) for whole in pictures]
    background = background_of(target.background, alpha=encoder.alpha)
    frame = Frame(*source.upright, *placement.output)
    drawn = [_apply(operations, lay_on(image, placement, background), frame) for image in pictures]
    return drawn[0] if frames == 1 else _strip(drawn)


def _aim(placement: Placement, whole: Image, interesting: str, max_pixels: int) -> Placement:
    # One frame decides for all: an animation whose crop wanders would jump.
    if whole.width * whole.height > max_pixels:
        raise OutputTooLarge(f"{interesting} would search {whole.width}x{whole.height}: more than {max_pixels} pixels")
    left, top = attend(whole, placement.output, interesting)
    return replace(placement, left=-left, top=-top)


def _apply(operations: Sequence[Operation], image: Image, frame: Frame) -> Image:
    for operation in operations:
        if operation.stage in _MIXING:
            image = straight(operation.apply(premultiplied(image), frame))
        else:
            image = operation.apply(image, frame)
    return image


def _strip(frames: Sequence[Image]) -> Image:
    """Frames as libvips keeps an animation: one below the other. Delays and loop are the first frame's metadata."""
    strip = pyvips.Image.arrayjoin(list(frames), across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    return strip
