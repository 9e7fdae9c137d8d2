"""Blur."""

from decimal import Decimal

from mezzotint.plugin_api import Frame, Image, Operation, Stage, decimal


class Blur(Operation):
    """Gaussian blur. `blur_2.5`: sigma in pixels of the output."""

    stage = Stage.BLUR
    sigma: Decimal = decimal("blur", 0.3, 1000, place=100)

    def apply(self, image: Image, frame: Frame) -> Image:
        return image.gaussblur(float(self.sigma))
