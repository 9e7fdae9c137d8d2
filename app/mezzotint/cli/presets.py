"""`mezzotint presets`."""

from __future__ import annotations

from uuid import UUID

import click

from mezzotint.cli.arguments import LEVEL, ULID, Names
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show, table
from mezzotint.cli.pages import every
from mezzotint.services import describe

COLUMNS = ("name", "owner", "operations", "auto_generate", "id")


@click.group()
def presets() -> None:
    """Named plans, used in URLs as preset_NAME."""


@presets.command()
@click.argument("place", type=LEVEL)
@click.argument("name")
@click.argument("operations")
@click.option("--auto-generate", is_flag=True, help="Make it ahead for assets that match.")
@click.option("--match-tag", "tags", multiple=True)
@click.option("--match-folder", "folders", multiple=True)
@as_json
@click.pass_obj
def create(
    context: Context,
    place: Names,
    name: str,
    operations: str,
    auto_generate: bool,
    tags: tuple[str, ...],
    folders: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a preset: mezzotint presets create acme/website thumb w_200-h_200."""
    made = context.house.presets.create(
        context.caller,
        *place,
        name,
        operations,
        auto_generate=auto_generate,
        match_tags=tags,
        match_folders=folders,
    )
    show(describe.preset(*made), as_json=as_json)


@presets.command("list")
@click.argument("place", type=LEVEL)
@as_json
@click.pass_obj
def list_(context: Context, place: Names, as_json: bool) -> None:
    """Show the presets of exactly this level."""
    service, caller = context.house.presets, context.caller
    level, _ = service.page(caller, *place, limit=1)
    found = every(lambda after, limit: service.page(caller, *place, after=after, limit=limit)[1], lambda one: one.id)
    table([describe.preset(level, one) for one in found], COLUMNS, as_json=as_json)


@presets.command("show")
@click.argument("preset", type=ULID)
@as_json
@click.pass_obj
def show_(context: Context, preset: UUID, as_json: bool) -> None:
    """Show a preset."""
    show(describe.preset(*context.house.presets.get(context.caller, preset)), as_json=as_json)


@presets.command()
@click.argument("preset", type=ULID)
@click.argument("operations", required=False)
@click.option("--auto-generate/--no-auto-generate", default=None, help="Whether to make it ahead.")
@click.option("--match-tag", "tags", multiple=True, help="In place of those it had.")
@click.option("--match-folder", "folders", multiple=True, help="In place of those it had.")
@click.option("--match-all", is_flag=True, help="Match every asset, by no tag and no folder.")
@as_json
@click.pass_obj
def update(
    context: Context,
    preset: UUID,
    operations: str | None,
    auto_generate: bool | None,
    tags: tuple[str, ...],
    folders: tuple[str, ...],
    match_all: bool,
    as_json: bool,
) -> None:
    """Change what is given of a preset; its pictures are made anew within a second."""
    if match_all and (tags or folders):
        raise click.UsageError("say either --match-all, or tags and folders")
    changed = context.house.presets.update(
        context.caller,
        preset,
        operations=operations,
        auto_generate=auto_generate,
        match_tags=tags if tags or match_all else None,
        match_folders=folders if folders or match_all else None,
    )
    show(describe.preset(*changed), as_json=as_json)


@presets.command()
@click.argument("preset", type=ULID)
@click.pass_obj
def delete(context: Context, preset: UUID) -> None:
    """Delete a preset; URLs that name it are not found any more."""
    context.house.presets.delete(context.caller, preset)
    click.echo("deleted")
