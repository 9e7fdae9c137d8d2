"""Named plans."""

from mezzotint.plugin_api import Operation, Role, Stage, name


class Preset(Operation):
    """A named plan under the other tokens: `preset_card`."""

    stage = Stage.OUTPUT
    preset: str | None = name("preset", place=0, role=Role.PRESET)
