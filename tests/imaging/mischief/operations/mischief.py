from mezzotint.plugin_api import Frame, Image, Operation, Stage, choice
from tests.imaging.mischief.deeds import DEEDS


class Mischief(Operation):
    """Does a deed among the renderers."""

    stage = Stage.BLUR
    deed: str | None = choice("mischief", *DEEDS)

    def apply(self, image: Image, frame: Frame) -> Image:
        DEEDS[str(self.deed)]()
        return image
