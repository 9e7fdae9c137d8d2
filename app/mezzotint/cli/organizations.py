"""`mezzotint organizations`."""

from __future__ import annotations

import click

from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show, table
from mezzotint.cli.pages import every
from mezzotint.services import describe

COLUMNS = ("path", "name", "id", "created_at")
"""What lists of organizations, tenants and spaces show."""


@click.group()
def organizations() -> None:
    """The top of the hierarchy: who owns tenants."""


@organizations.command()
@click.argument("slug")
@click.option("--name", default="", help="What people call it; by default its slug.")
@as_json
@click.pass_obj
def create(context: Context, slug: str, name: str, as_json: bool) -> None:
    """Make an organization. SLUG stands in its URLs, for good."""
    show(describe.level(context.house.tenancy.create_organization(context.caller, slug, name)), as_json=as_json)


@organizations.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """Show all organizations."""
    tenancy, caller = context.house.tenancy, context.caller
    found = every(
        lambda after, limit: tenancy.list_organizations(caller, after=after, limit=limit), lambda one: one.noun.id
    )
    table([describe.level(one) for one in found], COLUMNS, as_json=as_json)


@organizations.command("show")
@click.argument("slug")
@as_json
@click.pass_obj
def show_(context: Context, slug: str, as_json: bool) -> None:
    """Show an organization."""
    show(describe.level(context.house.tenancy.level(context.caller, slug)), as_json=as_json)


@organizations.command()
@click.argument("slug")
@click.confirmation_option(prompt="Delete the organization and all below it?")
@click.pass_obj
def delete(context: Context, slug: str) -> None:
    """Hide an organization and all below it. Its slug is not given out again."""
    context.house.tenancy.delete_organization(context.caller, slug)
    click.echo(f"{slug} is deleted")
