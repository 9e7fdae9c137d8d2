"""`mezzotint signing-keys`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mezzotint.cli.arguments import OWNER, Names
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show, table
from mezzotint.cli.pages import every
from mezzotint.services import describe

if TYPE_CHECKING:
    from mezzotint.services.signing_keys import Rotation

COLUMNS = ("kid", "owner", "status", "grace_until", "created_at")


@click.group("signing-keys")
def signing_keys() -> None:
    """The keys that sign private URLs."""


@signing_keys.command()
@click.argument("place", type=OWNER)
@as_json
@click.pass_obj
def create(context: Context, place: Names, as_json: bool) -> None:
    """Make a key of a tenant, or of an organization as a whole. Its secret is shown now, and never again."""
    level, key, secret = context.house.signing_keys.create(context.caller, *place[:2])
    show(describe.signing_key(level, key) | {"secret": secret}, as_json=as_json)


@signing_keys.command("list")
@click.argument("place", type=OWNER)
@as_json
@click.pass_obj
def list_(context: Context, place: Names, as_json: bool) -> None:
    """Show the keys of exactly this tenant, or those of an organization as a whole."""
    service, caller = context.house.signing_keys, context.caller
    level, _ = service.page(caller, *place[:2], limit=1)
    found = every(
        lambda after, limit: service.page(caller, *place[:2], after=after, limit=limit)[1], lambda key: key.id
    )
    table([describe.signing_key(level, key) for key in found], COLUMNS, as_json=as_json)


@signing_keys.command()
@click.argument("places", metavar="[ORGANIZATION[/TENANT]]...", type=OWNER, nargs=-1)
@click.option("--kid", "kids", multiple=True, help="Rotate this key; may be given several times.")
@click.option("--all", "all_", is_flag=True, help="Rotate the keys of every organization and tenant.")
@click.option(
    "--grace",
    type=click.IntRange(0),
    help="Seconds that old keys go on verifying. [default: the longest lifetime they may have signed]",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--show-secrets", is_flag=True, help="Show the new secrets, for clients that sign for themselves.")
@as_json
@click.pass_obj
def rotate(
    context: Context,
    places: tuple[Names, ...],
    kids: tuple[str, ...],
    all_: bool,
    grace: int | None,
    dry_run: bool,
    show_secrets: bool,
    as_json: bool,
) -> None:
    """Put new keys in the place of active ones, which verify on for a while.

    An owner whose last rotation is still in its grace is left alone, so running this twice does no harm.
    """
    if not (places or kids or all_):
        raise click.UsageError("say which: an organization or tenant, --kid, or --all")
    service, caller = context.house.signing_keys, context.caller
    done = [service.rotate(caller, kid, grace=grace, dry_run=dry_run) for kid in kids]
    for organization, tenant, _ in _everybody(context) if all_ else places:
        done += service.rotate_all(caller, organization, tenant, grace=grace, dry_run=dry_run)
    records = [_report(rotation, dry_run=dry_run) for rotation in done]
    columns = ["owner", "kid", "outcome", "successor", "grace_until"]
    if show_secrets:
        columns.append("secret")
    else:
        records = [{name: value for name, value in record.items() if name != "secret"} for record in records]
    table(records, columns, as_json=as_json)
    if not as_json:
        rotated = sum(rotation.rotated for rotation in done)
        verb = "would be rotated" if dry_run else "rotated"
        click.echo(f"{rotated} {verb}, {len(done) - rotated} left alone: still in the grace of an earlier rotation")


@signing_keys.command()
@click.argument("kid")
@as_json
@click.pass_obj
def revoke(context: Context, kid: str, as_json: bool) -> None:
    """End a key: within a second all that it signed is refused."""
    show(describe.signing_key(*context.house.signing_keys.revoke(context.caller, kid)), as_json=as_json)


def _everybody(context: Context) -> Iterator[Names]:
    tenancy, caller = context.house.tenancy, context.caller
    for organization in every(
        lambda after, limit: tenancy.list_organizations(caller, after=after, limit=limit), lambda one: one.noun.id
    ):
        yield organization.noun.slug, None, None
        yield from _tenants(context, organization.noun.slug)


def _tenants(context: Context, organization: str) -> Iterator[Names]:
    tenancy, caller = context.house.tenancy, context.caller
    for tenant in every(
        lambda after, limit: tenancy.list_tenants(caller, organization, after=after, limit=limit),
        lambda one: one.noun.id,
    ):
        yield organization, tenant.noun.slug, None


def _report(rotation: Rotation, *, dry_run: bool) -> describe.Described:
    if not rotation.rotated:
        outcome = "left alone"
    else:
        outcome = "would rotate" if dry_run else "rotated"
    return describe.rotation(rotation) | {"outcome": outcome}
