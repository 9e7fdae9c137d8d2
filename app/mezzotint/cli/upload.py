"""`mezzotint upload`."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

import click

from mezzotint.cli.arguments import SPACE, ULID
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, table
from mezzotint.model.asset import Access
from mezzotint.services import describe

if TYPE_CHECKING:
    from mezzotint.services.ingest import Taken

CHUNK = 1024 * 1024
COLUMNS = ("id", "version", "name", "media_type", "width", "height", "bytes", "outcome")


@click.command()
@click.argument("files", type=click.File("rb"), nargs=-1, required=True)
@click.option("--to", "place", type=SPACE, help="The space of new assets.")
@click.option("--version-of", "asset", type=ULID, help="Add a version to this asset instead.")
@click.option(
    "--access", type=click.Choice([access.value for access in Access]), help="By default as the space's policy says."
)
@click.option("--tag", "tags", multiple=True, help="May be given several times.")
@click.option("--name", help="What the file is called; by default as it is.")
@click.option("--folder", default="", help="Like summer/beach.")
@as_json
@click.pass_obj
def upload(
    context: Context,
    files: tuple[BinaryIO, ...],
    place: tuple[str, str, str] | None,
    asset: UUID | None,
    access: str | None,
    tags: tuple[str, ...],
    name: str | None,
    folder: str,
    as_json: bool,
) -> None:
    """Take pictures in: new assets of a space, or new versions of one asset."""
    if (place is None) == (asset is None):
        raise click.UsageError("say where: either --to a space, or --version-of an asset")
    if name is not None and len(files) > 1:
        raise click.UsageError("--name is for one file")
    ingest, caller = context.house.ingest, context.caller
    records = []
    for file in files:
        with context.house.spool.receive() as incoming:
            limit = ingest.limit(caller, *place) if place else ingest.version_limit(caller, _known(asset))
            while chunk := file.read(CHUNK):
                incoming.write(chunk, limit=limit)
            if place is None:
                taken = ingest.add_version(caller, _known(asset), incoming.received, name or file.name)
            else:
                taken = ingest.add(
                    caller,
                    incoming.received,
                    name or file.name,
                    organization=place[0],
                    tenant=place[1],
                    space=place[2],
                    access=Access(access) if access else None,
                    tags=tags,
                    folder=folder,
                )
        records.append(_describe(context, taken))
    table(records, COLUMNS, as_json=as_json)
    if not as_json:
        for record in records:
            click.echo(f"{record['name']}: {record['urls']['picture'] or record['urls']['template']}")


def _known(asset: UUID | None) -> UUID:
    if asset is None:
        raise click.UsageError("--version-of is missing")
    return asset


def _describe(context: Context, taken: Taken) -> describe.Described:
    located = taken.located
    (links,) = context.house.links.of(context.caller, located.place, [located.asset])
    outcome = {"outcome": "created" if taken.created else "already there"}
    return describe.asset(located.asset, located.place, links) | outcome
