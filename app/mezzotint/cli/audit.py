"""`mezzotint audit`: who did what, and whether that is still what was written."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import IO
from uuid import UUID

import click

from mezzotint.cli.arguments import OWNER, Names
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show, table
from mezzotint.model.audit import Head
from mezzotint.services import describe

COLUMNS = ("at", "actor", "action", "subject", "detail", "request_id")


@click.group()
def audit() -> None:
    """Who changed what, and when."""


@audit.command("list")
@click.argument("owner", type=OWNER, required=False)
@click.option("--before", type=int, help="Only what has a lower sequence: the last one of the page before.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@as_json
@click.pass_obj
def list_(context: Context, owner: Names | None, before: int | None, limit: int, as_json: bool) -> None:
    """Show what was done at a place, or everywhere; the newest first."""
    organization, tenant, _ = owner or (None, None, None)
    found = context.house.audit.page(context.caller, organization, tenant, before=before, limit=limit)
    table([describe.entry(each) for each in found], COLUMNS, as_json=as_json)


@audit.command()
@click.option("--since", type=click.File(), help="An earlier answer in JSON: what it tells of must still be there.")
@as_json
@click.pass_obj
def verify(context: Context, since: IO[str] | None, as_json: bool) -> None:
    """Make sure that no line was changed, put in or taken out; fails when one was.

    Keep the answer in JSON where this database's administrators can't reach it: against it, a missing end shows too.
    """
    verdict = context.house.audit.verify(_heads(since) if since else ())
    if as_json:
        show({**asdict(verdict), "heads": [{**asdict(head), "chain": str(head.chain)} for head in verdict.heads]},
             as_json=True)  # fmt: skip
    else:
        for fault in verdict.faults:
            click.echo(fault)
        older = f", beside {verdict.older} from before there were chains" if verdict.older else ""
        click.echo(f"{verdict.lines} lines in {len(verdict.heads)} chains, {len(verdict.faults)} faults{older}")
    if verdict.faults:
        raise click.exceptions.Exit(1)


def _heads(file: IO[str]) -> list[Head]:
    try:
        return [Head(UUID(head["chain"]), int(head["number"]), str(head["mac"])) for head in json.load(file)["heads"]]
    except (ValueError, KeyError, TypeError) as problem:
        raise click.ClickException(f"--since: {file.name} is no answer of `audit verify --json`") from problem
