"""`mezzotint jobs`: background work, and what became of it."""

from __future__ import annotations

from uuid import UUID

import click

from mezzotint.cli.arguments import ULID
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, table
from mezzotint.model.job import JobState
from mezzotint.services import describe

COLUMNS = ("id", "kind", "state", "attempts", "due_at", "error", "payload")


@click.group()
def jobs() -> None:
    """Background work that is waiting, running, or was given up."""


@jobs.command("list")
@click.option("--state", type=click.Choice([state.value for state in JobState]), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The oldest so many.")
@as_json
@click.pass_obj
def list_(context: Context, state: str | None, limit: int, as_json: bool) -> None:
    """Show jobs, oldest first; done ones are gone."""
    found = context.house.jobs.page(JobState(state) if state else None, limit=limit)
    table([describe.job(each) for each in found], COLUMNS, as_json=as_json)


@jobs.command()
@click.argument("identifiers", metavar="[JOB]...", type=ULID, nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every job that was given up.")
@click.pass_obj
def retry(context: Context, identifiers: tuple[UUID, ...], every: bool) -> None:
    """Try jobs that were given up again."""
    if every == bool(identifiers):
        raise click.UsageError("name jobs, or say --all")
    count = context.house.jobs.retry(None if every else identifiers)
    click.echo(f"{count} will be tried again")


@jobs.command()
@click.argument("identifiers", metavar="JOB...", type=ULID, nargs=-1, required=True)
@click.pass_obj
def drop(context: Context, identifiers: tuple[UUID, ...]) -> None:
    """Forget jobs that were given up."""
    click.echo(f"{context.house.jobs.drop(identifiers)} forgotten")
