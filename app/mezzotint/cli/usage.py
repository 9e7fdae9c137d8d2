"""`mezzotint usage`."""

from __future__ import annotations

from datetime import datetime

import click

from mezzotint.cli.arguments import WITHIN_TENANT
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("place", type=WITHIN_TENANT)
@click.option("--since", type=DAY, help="The first day (UTC). [default: 30 days before the last]")
@click.option("--until", type=DAY, help="The last day (UTC). [default: today]")
@as_json
@click.pass_obj
def usage(
    context: Context,
    place: tuple[str, str, str | None],
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> None:
    """Show how much a tenant, or one of its spaces, uploaded and delivered; hits at the edge included."""
    totals = context.house.usage.totals(
        context.caller, *place, since=since and since.date(), until=until and until.date()
    )
    show(dict(sorted(totals.items())), as_json=as_json)
