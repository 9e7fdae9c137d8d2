"""`mezzotint assets`, and `mezzotint invalidate`."""

from __future__ import annotations

from uuid import UUID

import click

from mezzotint.cli.arguments import SPACE, ULID
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show, table
from mezzotint.model.asset import State
from mezzotint.model.identifiers import to_ulid
from mezzotint.services import describe

COLUMNS = ("id", "version", "access", "name", "media_type", "width", "height", "bytes", "folder", "tags")


@click.group()
def assets() -> None:
    """Uploaded originals and their versions."""


@assets.command("list")
@click.argument("place", type=SPACE)
@click.option("--folder", help="Only those of this folder.")
@click.option("--tag", help="Only those with this tag.")
@click.option(
    "--state", type=click.Choice([state.value for state in State]), default=State.READY.value, show_default=True
)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@as_json
@click.pass_obj
def list_(
    context: Context,
    place: tuple[str, str, str],
    folder: str | None,
    tag: str | None,
    state: str,
    limit: int,
    as_json: bool,
) -> None:
    """Show a space's assets, newest first."""
    house, caller = context.house, context.caller
    found, seen = house.assets.page(caller, *place, folder=folder, tag=tag, state=State(state), limit=limit)
    links = house.links.of(caller, found, seen)
    records = [describe.asset(one, found, urls) for one, urls in zip(seen, links, strict=True)]
    table(records, COLUMNS, as_json=as_json)


@assets.command("show")
@click.argument("asset", type=ULID)
@as_json
@click.pass_obj
def show_(context: Context, asset: UUID, as_json: bool) -> None:
    """Show all that is known of an asset, and its URLs."""
    located, versions = context.house.assets.get(context.caller, asset)
    (links,) = context.house.links.of(context.caller, located.place, [located.asset])
    if as_json:
        show(describe.asset_in_full(located.asset, located.place, links, versions), as_json=True)
    else:
        show(describe.asset(located.asset, located.place, links), as_json=False)


@assets.command()
@click.argument("identifiers", metavar="ASSET...", type=ULID, nargs=-1, required=True)
@click.pass_obj
def delete(context: Context, identifiers: tuple[UUID, ...]) -> None:
    """Hide assets; within a second nothing of them is delivered."""
    for asset in identifiers:
        context.house.assets.delete(context.caller, asset)
        click.echo(f"{to_ulid(asset)} is deleted")


@click.command()
@click.argument("identifiers", metavar="ASSET...", type=ULID, nargs=-1, required=True)
@click.pass_obj
def invalidate(context: Context, identifiers: tuple[UUID, ...]) -> None:
    """Leave behind all that caches hold of assets; pictures are fetched anew within a second."""
    for asset in identifiers:
        generation = context.house.invalidate.asset(context.caller, asset)
        click.echo(f"{to_ulid(asset)} is in generation {generation}")
