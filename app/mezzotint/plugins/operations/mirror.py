"""Mirroring."""

from dataclasses import replace

from mezzotint.plugin_api import Operation, Stage, Target, flag


class Mirror(Operation):
    """`flip` mirrors top to bottom, `flop` left to right."""

    stage = Stage.MIRROR
    flip: bool = flag("flip", place=120)
    flop: bool = flag("flop", place=130)

    def shape(self, target: Target) -> Target:
        return replace(target, flip=self.flip, flop=self.flop)
