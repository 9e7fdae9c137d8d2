"""Grayscale."""

from mezzotint.plugin_api import Frame, Image, Operation, Stage, flag


class Grayscale(Operation):
    """Grayscale. `bw`."""

    stage = Stage.GRAYSCALE
    on: bool = flag("bw", place=110)

    def apply(self, image: Image, frame: Frame) -> Image:
        return image.colourspace("b-w")
