"""The output format and its quality."""

from dataclasses import replace

from mezzotint.plugin_api import Operation, Role, Stage, Target, choice, integer


class Output(Operation):
    """Format and quality. `fmt_webp`, `fmt_auto` (by the client's Accept), `q_80`, `q_auto` (the engine chooses)."""

    stage = Stage.OUTPUT
    format: str | None = choice("fmt", place=10, role=Role.FORMAT)
    quality: int | str | None = integer("q", 1, 100, place=70, clamp=True, words=("auto",), default_by_format=True)

    def shape(self, target: Target) -> Target:
        return replace(target, quality=self.quality)
