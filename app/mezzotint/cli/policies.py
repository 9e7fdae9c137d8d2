"""`mezzotint policies`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from mezzotint.cli.arguments import LEVEL, Names
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show, table
from mezzotint.model.asset import Access
from mezzotint.model.policy import DEFAULTS, NAMES
from mezzotint.services import describe

if TYPE_CHECKING:
    from mezzotint.services.policies import Ruled


@click.group()
def policies() -> None:
    """What each level allows; what it leaves open holds as above it."""


@policies.command("show")
@click.argument("place", type=LEVEL)
@as_json
@click.pass_obj
def show_(context: Context, place: Names, as_json: bool) -> None:
    """Show a level's own policy beside what holds there."""
    _tell(context.house.policies.get(context.caller, *place), as_json=as_json)


@policies.command("set")
@click.argument("place", type=LEVEL)
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE...")
@as_json
@click.pass_obj
def set_(context: Context, place: Names, values: tuple[str, ...], as_json: bool) -> None:
    """Set values of a level's policy; `NAME=` alone leaves one to the level above.

    \b
    mezzotint policies set acme/website max_lifetime=604800 presets_only=yes
    mezzotint policies set acme/website allowed_formats=jpg,webp default_access=
    """  # noqa: D301 - click wants the character
    service = context.house.policies
    changes = dict(_read(value) for value in values)
    own = service.get(context.caller, *place).own
    _tell(service.put(context.caller, *place, replace(own, **changes)), as_json=as_json)


def _read(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or name not in NAMES:
        raise click.BadParameter(f"{text!r}: write NAME=VALUE, NAME being one of {', '.join(NAMES)}")
    return name, _parse(name, value) if value else None


def _parse(name: str, value: str) -> Any:
    usual = getattr(DEFAULTS, name)
    try:
        if isinstance(usual, bool):
            return {"yes": True, "true": True, "no": False, "false": False}[value.lower()]
        if isinstance(usual, int):
            return int(value)
        if isinstance(usual, Access):
            return Access(value)
    except (KeyError, ValueError):
        raise click.BadParameter(f"{name}: {value!r} is not one of its values, like {_plain(usual)}") from None
    return tuple(value.split(","))


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _tell(ruled: Ruled, *, as_json: bool) -> None:
    described = describe.policy(ruled)
    if as_json:
        show(described, as_json=True)
        return
    rows = [{"policy": name, "own": described["own"][name], "holds": described["effective"][name]} for name in NAMES]
    table(rows, ("policy", "own", "holds"), as_json=False)
