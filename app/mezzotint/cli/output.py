"""How commands answer: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
"""The option of every command that shows something."""


def show(record: dict[str, Any], *, as_json: bool) -> None:
    """One thing: a line for each of its values."""
    if as_json:
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    flat = dict(_flat(record))
    width = max(map(len, flat), default=0)
    for name, value in flat.items():
        click.echo(f"{name:<{width}}  {value}")


def table(records: Sequence[dict[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Many things: a row each, of the columns named."""
    if as_json:
        click.echo(json.dumps(records, indent=2, ensure_ascii=False))
        return
    rows = [[column.upper().replace("_", " ") for column in columns]]
    rows += [[_text(record.get(column)) for column in columns] for record in records]
    widths = [max(len(row[index]) for row in rows) for index in range(len(columns))]
    for row in rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _flat(record: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
