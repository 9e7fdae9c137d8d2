"""Sharpening."""

from decimal import Decimal

from mezzotint.plugin_api import Drop, Frame, Image, Operation, Stage, decimal


class Sharpen(Operation):
    """Sharpening. `sharpen_1.5`: sigma of libvips' sharpen, its other parameters at their defaults."""

    stage = Stage.SHARPEN
    sigma: Decimal = decimal("sharpen", 0, 10, place=90, drop=(Drop("0"),))

    def apply(self, image: Image, frame: Frame) -> Image:
        return image.sharpen(sigma=float(self.sigma))
