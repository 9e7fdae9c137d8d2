"""`mezzotint api-keys`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click

from mezzotint.cli.arguments import OWNER, ULID, Names
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show, table
from mezzotint.cli.pages import every
from mezzotint.services import describe
from mezzotint.services.caller import SCOPES

COLUMNS = ("id", "name", "organization_id", "tenant_id", "scopes", "last_used_at", "expires_at", "revoked_at")


@click.group("api-keys")
def api_keys() -> None:
    """The keys that open the control plane."""


@api_keys.command(epilog="Scopes: " + "; ".join(f"{scope}: {meaning}" for scope, meaning in SCOPES.items()))
@click.argument("name")
@click.option("--for", "place", type=OWNER, help="The tenant, or the organization, that it opens.")
@click.option("--operator", is_flag=True, help="It opens every organization.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([*SCOPES]), help="Several times; by default all.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="In local time.")
@as_json
@click.pass_obj
def create(
    context: Context,
    name: str,
    place: Names | None,
    operator: bool,
    scopes: tuple[str, ...],
    expires: datetime | None,
    as_json: bool,
) -> None:
    """Make an API key. It is shown now, and never again."""
    if operator == (place is not None):
        raise click.UsageError("say what it opens: either --for a tenant or organization, or --operator")
    organization, tenant, _ = place or (None, None, None)
    key, token = context.house.api_keys.create(
        context.caller,
        organization,
        tenant,
        name,
        scopes or SCOPES,
        expires_at=expires and expires.astimezone(),
        for_operator=operator,
    )
    show(describe.api_key(key) | {"key": token}, as_json=as_json)


@api_keys.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """Show all API keys, without their secrets."""
    service, caller = context.house.api_keys, context.caller
    found = every(lambda after, limit: service.page(caller, after=after, limit=limit), lambda key: key.id)
    table([describe.api_key(key) for key in found], COLUMNS, as_json=as_json)


@api_keys.command()
@click.argument("key", type=ULID)
@click.pass_obj
def revoke(context: Context, key: UUID) -> None:
    """Close an API key, everywhere within seconds."""
    context.house.api_keys.revoke(context.caller, key)
    click.echo("revoked")
