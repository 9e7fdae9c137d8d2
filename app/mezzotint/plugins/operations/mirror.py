"""Mirroring."""

from mezzotint.plugin_api import Operation, Stage, flag


class Mirror(Operation):
    """`flip` mirrors top to bottom, `flop` left to right."""

    stage = Stage.MIRROR
    flip: bool = flag("flip", place=120)
    flop: bool = flag("flop", place=130)
