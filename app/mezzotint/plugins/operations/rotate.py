"""Rotation."""

from dataclasses import replace

from mezzotint.plugin_api import Drop, Operation, Stage, Target, integer


class Rotate(Operation):
    """Clockwise rotation. `r_90`: degrees, taken modulo 360; the corners an oblique one opens show `b`."""

    stage = Stage.ROTATE
    degrees: int = integer("r", 0, 359, place=80, modulo=360, drop=(Drop("0"),))

    def shape(self, target: Target) -> Target:
        return replace(target, degrees=self.degrees)
