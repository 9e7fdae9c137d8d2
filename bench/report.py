"""Figures and the table they stand in: of every row the median, the least and the most, and whether it is enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

HEADINGS = ("", "median", "least", "most", "target", "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `values` are those of the rounds; a target is a bound on their median."""

    what: str
    values: Sequence[float]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def reached(self) -> bool | None:
        """None without a target."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or self.median >= self.at_least) and (
            self.at_most is None or self.median <= self.at_most
        )

    @property
    def cells(self) -> tuple[str, ...]:
        target = f"≥ {self.at_least:g}" if self.at_least is not None else ""
        target = f"≤ {self.at_most:g}" if self.at_most is not None else target
        verdict = {None: "", True: "reached", False: "**missed**"}[self.reached]
        numbers = (spell(self.median), spell(min(self.values)), spell(max(self.values)))
        return (self.what, *numbers, target, verdict)


def ratio(what: str, ours: Iterable[float], theirs: Iterable[float], **target: float | None) -> Figure:
    """Ours to theirs, round by round."""
    return Figure(what, [one / other for one, other in zip(ours, theirs, strict=True)], **target)


def spell(number: float) -> str:
    """Three digits that matter, and no more."""
    for digits, least in ((0, 100), (1, 10), (2, 1)):
        if abs(number) >= least:
            return f"{number:,.{digits}f}"
    return f"{number:.3f}"


@dataclass(slots=True)
class Report:
    """What a bench found out."""

    title: str
    command: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self, machine: str) -> str:
        rows = [HEADINGS, *(figure.cells for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
        lines.insert(1, "|" + "|".join(" " + "-" * width + " " for width in widths) + "|")
        notes = "".join(f"\n* {note}" for note in (*self.notes, machine))
        return f"## {self.title}\n\n    {self.command}\n\n" + "\n".join(lines) + f"\n{notes}\n"
