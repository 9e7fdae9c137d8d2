"""A source's pixels where its layout wants them, upright and in sRGB."""

from __future__ import annotations

from fractions import Fraction

from mezzotint.imaging.colour import to_srgb
from mezzotint.imaging.decode import Source
from mezzotint.imaging.geometry import Layout, Region, Scale, scaled_size
from mezzotint.imaging.resample import lay_upright, resize, rotate, shrink_on_load
from mezzotint.plugin_api import Image

_MARGIN = Fraction(13, 10)
"""How much larger than the output a picture is decoded at least: what shrinks while it is decoded is less exact than
what is scaled, and would show behind a smaller factor."""


def still(source: Source, layout: Layout, part: Region | None) -> Image:
    """`part` (None: all) of the scaled picture, or of the first frame of an animation."""
    scale = _times(_stored_scale(layout), source.reduction)
    # A mezzanine is small: to decode more of it than is needed costs little, and shows.
    margin = _MARGIN if source.original is None else 2
    shrink = shrink_on_load(source.decoder.shrinks, _times(scale, margin), layout.region)
    return _lay_out(source.read(shrink=shrink), source, layout, part, shrink)


def animation(source: Source, layout: Layout, part: Region | None) -> list[Image]:
    """As `still`, for every frame."""
    return [_lay_out(frame, source, layout, part, 1) for frame in source.read_frames()]


def _lay_out(image: Image, source: Source, layout: Layout, part: Region | None, shrink: int) -> Image:
    if layout.region.size != source.size:
        image = _crop(image, layout.region, shrink)
    reduction = source.reduction * shrink
    return _oblique(image, layout, part, reduction) if layout.angle else _square(image, layout, part, reduction)


def _square(image: Image, layout: Layout, part: Region | None, reduction: Fraction) -> Image:
    symmetry, size = layout.symmetry, layout.placement.picture
    # The output's left and top edges, whichever they were, lie exactly on the picture's.
    corner = symmetry.source_of(Region(0, 0, 1, 1), size)
    far = corner.left > 0, corner.top > 0
    true_size = layout.region.width / reduction, layout.region.height / reduction
    scale = _times(_stored_scale(layout), reduction)
    # Cut before it is turned: what nobody sees is then never computed.
    part = None if part is None else symmetry.source_of(part, size)
    image = resize(image, scale, symmetry.size(size), part, true_size=true_size, far=far)
    return to_srgb(lay_upright(image, symmetry))


def _oblique(image: Image, layout: Layout, part: Region | None, reduction: Fraction) -> Image:
    scale = layout.placement.scale
    # Scaled down by one factor first, so that little is turned; what two factors or an enlargement want comes behind.
    factor = min(Fraction(1), max(scale))
    first = Scale(factor, factor)
    image = resize(image, _times(first, reduction), scaled_size(layout.region.size, first))
    image = to_srgb(lay_upright(image, layout.symmetry))
    image = rotate(image, layout.angle, scaled_size(layout.box, first))
    image = resize(image, _times(scale, 1 / factor), layout.placement.picture)
    return image if part is None else image.crop(*part)


def _crop(image: Image, region: Region, shrink: int) -> Image:
    left, top = region.left // shrink, region.top // shrink
    width, height = -(-region.width // shrink), -(-region.height // shrink)
    return image.crop(left, top, min(width, image.width - left), min(height, image.height - top))


def _stored_scale(layout: Layout) -> Scale:
    scale = layout.placement.scale
    return scale.swapped if layout.symmetry.swaps else scale


def _times(scale: Scale, factor: Fraction | int) -> Scale:
    return Scale(scale.x * factor, scale.y * factor)
