"""A file and a plan to bytes: the one way that every variant takes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import pyvips

from mezzotint.grammar import Grammar
from mezzotint.imaging import picture
from mezzotint.imaging.canvas import background_of, lay_on
from mezzotint.imaging.colour import premultiplied, straight
from mezzotint.imaging.decode import Decoders, Limits, Source
from mezzotint.imaging.geometry import Layout, Size, lay_out
from mezzotint.imaging.jobs import Rendered, RenderJob
from mezzotint.imaging.pixels import PixelsDecoder, write_pixels
from mezzotint.imaging.resample import attend
from mezzotint.imaging.thorough import thorough
from mezzotint.model.errors import OutputTooLarge, PictureRefused
from mezzotint.plugin_api import Encoder, Frame, Image, Operation, Stage

_MIXING = (Stage.BLUR, Stage.SHARPEN)
"""Stages that mix neighbours, which is right on premultiplied colours alone."""


class Pipeline:
    """Makes variants with the operations, decoders and encoders it is given."""

    def __init__(self, grammar: Grammar, decoders: Decoders, encoders: Iterable[Encoder]) -> None:
        self._grammar = grammar
        self._decoders = decoders
        self._decoded = Decoders([PixelsDecoder()])
        self._encoders = {encoder.format: encoder for encoder in encoders}

    def render(self, job: RenderJob, target: int | None = None) -> Rendered:
        """The variant `job` asks for; the file `target`, if any, is for the original's pixels to be kept.

        Raises PictureRefused, UnsupportedType, OutputTooLarge, InvalidOperation.
        """
        started, cpu_started = time.perf_counter(), time.process_time()
        plan = self._grammar.parse(job.operations, job.ext)
        operations = sorted(self._grammar.operations(plan), key=lambda operation: operation.stage)
        encoder = self._encoders[self._grammar.format(plan)]
        source = self._open(job)
        layout = lay_out(operations, source.upright, source.orientation)
        frames = source.frames if encoder.animation else 1
        layout.check(max_pixels=job.max_output_pixels, max_side=encoder.max_side, frames=frames)
        kept = target is not None and _keep(source, target)
        if target is not None:  # `source` is used up
            source = self._open(RenderJob.of(job, target, source.upright, decoded=True) if kept else job)
            layout = lay_out(operations, source.upright, source.orientation)
        try:
            pictures = _pictures(source, layout, job.max_output_pixels, animated=frames > 1)
            background = background_of(layout.target.background, alpha=encoder.alpha)
            frame = Frame(*source.upright, *layout.output)
            drawn = [_apply(operations, lay_on(each, layout.placement, background), frame) for each in pictures]
            image, quality = _strip(drawn), layout.target.quality
            data = thorough(encoder, image, quality) if job.thorough else encoder.encode(image, quality=quality)
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
            kept=kept,
        )

    def _open(self, job: RenderJob) -> Source:
        decoders = self._decoded if job.decoded else self._decoders
        original = Size(*job.original) if job.original else None
        return decoders.open(job.source, Limits(pixels=job.max_pixels), original=original)


def _keep(source: Source, target: int) -> bool:
    """Write the pixels of `source`, and say whether there was room for them. Raises PictureRefused."""
    try:
        write_pixels(source, target)
    except OSError:
        return False
    except pyvips.Error as problem:
        raise PictureRefused(f"the {source.decoder.name} file can't be decoded") from problem
    return True


def _pictures(source: Source, layout: Layout, max_pixels: int, *, animated: bool) -> list[Image]:
    """What the output shows of each frame."""
    part = None if layout.smart else layout.placement.visible
    pictures = picture.animation(source, layout, part) if animated else [picture.still(source, layout, part)]
    return _attended(pictures, layout.output, layout.smart, max_pixels) if layout.smart else pictures


def _attended(wholes: Sequence[Image], size: Size, interesting: str, max_pixels: int) -> list[Image]:
    width, height = wholes[0].width, wholes[0].height
    if width * height > max_pixels:
        raise OutputTooLarge(f"{interesting} would search {width}x{height}: more than {max_pixels} pixels")
    decoded = [whole.copy_memory() for whole in wholes]
    # One frame decides for all: an animation whose crop wanders would jump.
    left, top = attend(decoded[0], size, interesting)
    return [whole.crop(left, top, *size) for whole in decoded]


def _apply(operations: Sequence[Operation], image: Image, frame: Frame) -> Image:
    for operation in operations:
        if operation.stage in _MIXING:
            image = straight(operation.apply(premultiplied(image), frame))
        else:
            image = operation.apply(image, frame)
    return image


def _strip(frames: Sequence[Image]) -> Image:
    """Frames as libvips keeps an animation: one below the other. Delays and loop are the first frame's metadata."""
    if len(frames) == 1:
        return frames[0]
    strip = pyvips.Image.arrayjoin(list(frames), across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    return strip
