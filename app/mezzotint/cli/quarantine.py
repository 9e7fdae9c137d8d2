"""`mezzotint quarantine`: pictures that break renderers."""

from __future__ import annotations

import click

from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, table
from mezzotint.services import describe

COLUMNS = ("sha256", "tenant_id", "strikes", "reason", "struck_at")


@click.group()
def quarantine() -> None:
    """Pictures that renderers touch no more, since they broke them."""


@quarantine.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """Show them, the newest first."""
    found = context.house.quarantine.page()
    table([describe.quarantined(each) for each in found], COLUMNS, as_json=as_json)


@quarantine.command()
@click.argument("hashes", metavar="SHA256...", nargs=-1, required=True)
@click.pass_obj
def release(context: Context, hashes: tuple[str, ...]) -> None:
    """Let renderers try these bytes again, whichever tenant has them."""
    for content_hash in hashes:
        count = context.house.quarantine.release(context.caller, content_hash.lower())
        click.echo(f"{content_hash} is released at {count} tenant{'' if count == 1 else 's'}")
