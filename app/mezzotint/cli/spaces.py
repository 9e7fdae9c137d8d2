"""`mezzotint spaces`."""

from __future__ import annotations

import click

from mezzotint.cli.arguments import SPACE, TENANT
from mezzotint.cli.context import Context
from mezzotint.cli.organizations import COLUMNS
from mezzotint.cli.output import as_json, show, table
from mezzotint.cli.pages import every
from mezzotint.services import describe


@click.group()
def spaces() -> None:
    """A tenant's places for assets."""


@spaces.command()
@click.argument("place", type=SPACE)
@click.option("--name", default="", help="What people call it; by default its slug.")
@as_json
@click.pass_obj
def create(context: Context, place: tuple[str, str, str], name: str, as_json: bool) -> None:
    """Make a space."""
    show(describe.level(context.house.tenancy.create_space(context.caller, *place, name)), as_json=as_json)


@spaces.command("list")
@click.argument("place", type=TENANT)
@as_json
@click.pass_obj
def list_(context: Context, place: tuple[str, str, None], as_json: bool) -> None:
    """Show a tenant's spaces."""
    tenancy, caller = context.house.tenancy, context.caller
    found = every(
        lambda after, limit: tenancy.list_spaces(caller, place[0], place[1], after=after, limit=limit),
        lambda one: one.noun.id,
    )
    table([describe.level(one) for one in found], COLUMNS, as_json=as_json)


@spaces.command("show")
@click.argument("place", type=SPACE)
@as_json
@click.pass_obj
def show_(context: Context, place: tuple[str, str, str], as_json: bool) -> None:
    """Show a space."""
    show(describe.level(context.house.tenancy.level(context.caller, *place)), as_json=as_json)


@spaces.command()
@click.argument("place", type=SPACE)
@click.confirmation_option(prompt="Delete the space and its assets?")
@click.pass_obj
def delete(context: Context, place: tuple[str, str, str]) -> None:
    """Hide a space and its assets. Its slug is not given out again."""
    context.house.tenancy.delete_space(context.caller, *place)
    click.echo(f"{'/'.join(place)} is deleted")
