"""The box a picture is fitted into."""

from dataclasses import replace
from decimal import Decimal

from mezzotint.plugin_api import Drop, Operation, Role, Stage, Target, choice, colour, decimal, flag, integer

_BOTH = {"all": ("w", "h")}
_PLACED = {"f": ("cover", "contain", "pad")}


class Resize(Operation):
    """Size and fit. `w_800-h_600-f_cover-g_north`: a box in pixels, how to fill it, and what to keep."""

    stage = Stage.RESIZE
    width: int | None = integer("w", 1, 8192, place=20, floor=True)
    height: int | None = integer("h", 1, 8192, place=30, floor=True)
    fit: str | None = choice(
        "f", "cover", "contain", "fill", "inside", "outside", "pad",
        place=40, needs=_BOTH, default="cover", redirect={"auto": "fmt"},
    )  # fmt: skip
    gravity: str | None = choice(
        "g", "center", "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest",
        "attention", "entropy",
        aliases={"centre": "center"}, place=50, needs=_PLACED, drop=(Drop("center"),),
    )  # fmt: skip
    background: str | None = colour("b", place=60, drop=(Drop("ffffff", when={"f": ("pad",)}),))
    enlarge: bool = flag("up", place=140, needs={"any": ("w", "h")})
    ratio: Decimal | None = decimal("dpr", 0.1, 8, place=150, role=Role.SCALE, scales=("w", "h"))

    def shape(self, target: Target) -> Target:
        return replace(
            target,
            width=self.width,
            height=self.height,
            fit=self.fit,
            gravity=self.gravity,
            enlarge=self.enlarge,
            background=self.background or ("ffffff" if self.fit == "pad" else None),
        )
