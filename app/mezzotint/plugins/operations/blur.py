"""Blur."""

from decimal import Decimal

from mezzotint.plugin_api import Frame, Image, Operation, Stage, decimal

_WIDE = 8
"""pixels of sigma above which a blur is made on a reduced picture"""


class Blur(Operation):
    """Gaussian blur. `blur_2.5`: sigma in pixels of the output."""

    stage = Stage.BLUR
    sigma: Decimal = decimal("blur", 0.3, 1000, place=100)

    def apply(self, image: Image, frame: Frame) -> Image:
        sigma = float(self.sigma)
        # A wide blur has no detail to lose, so it is made on a reduced picture: its cost stays bounded.
        reduced = image.resize(1 / max(1, sigma // _WIDE))
        blurred = reduced.gaussblur(sigma * reduced.width / image.width)
        return blurred.resize(image.width / reduced.width, vscale=image.height / reduced.height)
