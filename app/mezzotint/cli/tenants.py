"""`mezzotint tenants`."""

from __future__ import annotations

import click

from mezzotint.cli.arguments import ORGANIZATION, TENANT
from mezzotint.cli.context import Context
from mezzotint.cli.organizations import COLUMNS
from mezzotint.cli.output import as_json, show, table
from mezzotint.cli.pages import every
from mezzotint.services import describe


@click.group()
def tenants() -> None:
    """An organization's customers, which share nothing."""


@tenants.command()
@click.argument("place", type=TENANT)
@click.option("--name", default="", help="What people call it; by default its slug.")
@as_json
@click.pass_obj
def create(context: Context, place: tuple[str, str, None], name: str, as_json: bool) -> None:
    """Make a tenant."""
    show(describe.level(context.house.tenancy.create_tenant(context.caller, place[0], place[1], name)), as_json=as_json)


@tenants.command("list")
@click.argument("place", type=ORGANIZATION)
@as_json
@click.pass_obj
def list_(context: Context, place: tuple[str, None, None], as_json: bool) -> None:
    """Show an organization's tenants."""
    tenancy, caller = context.house.tenancy, context.caller
    found = every(
        lambda after, limit: tenancy.list_tenants(caller, place[0], after=after, limit=limit), lambda one: one.noun.id
    )
    table([describe.level(one) for one in found], COLUMNS, as_json=as_json)


@tenants.command("show")
@click.argument("place", type=TENANT)
@as_json
@click.pass_obj
def show_(context: Context, place: tuple[str, str, None], as_json: bool) -> None:
    """Show a tenant."""
    show(describe.level(context.house.tenancy.level(context.caller, *place)), as_json=as_json)


@tenants.command()
@click.argument("place", type=TENANT)
@click.confirmation_option(prompt="Delete the tenant and all its spaces?")
@click.pass_obj
def delete(context: Context, place: tuple[str, str, None]) -> None:
    """Hide a tenant and all its spaces. Its slug is not given out again."""
    context.house.tenancy.delete_tenant(context.caller, place[0], place[1])
    click.echo(f"{place[0]}/{place[1]} is deleted")
