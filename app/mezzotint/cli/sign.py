"""`mezzotint sign`."""

from __future__ import annotations

import click

from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show
from mezzotint.model.identifiers import from_ulid
from mezzotint.services import describe


@click.command()
@click.argument("target", metavar="URL|PATH|ASSET")
@click.argument("picture", required=False, metavar="[OPERATIONS.EXT]")
@click.option("--version", type=click.IntRange(1), help="Of the asset; by default its current one.")
@click.option("--lifetime", type=click.IntRange(1), help="Seconds; by default and at most as the policy says.")
@as_json
@click.pass_obj
def sign(
    context: Context, target: str, picture: str | None, version: int | None, lifetime: int | None, as_json: bool
) -> None:
    """Sign a private URL, or a picture of an asset.

    \b
    mezzotint sign /v1/priv/acme/website/marketing/img/01JBXYZ7N8Q4W2V6M3K5T9R0AE/v1/w_800.jpg
    mezzotint sign 01JBXYZ7N8Q4W2V6M3K5T9R0AE w_800.jpg --lifetime 600
    """  # noqa: D301 - click wants the character
    links, caller = context.house.links, context.caller
    if picture is None:
        if version is not None:
            raise click.UsageError("a URL says its version itself")
        signed = links.sign(caller, target, lifetime=lifetime)
    else:
        operations, _, ext = picture.rpartition(".")
        try:
            asset = from_ulid(target)
        except ValueError:
            raise click.BadParameter(f"{target!r} is not an asset's identifier") from None
        signed = links.sign_asset(caller, asset, operations, ext, version=version, lifetime=lifetime)
    if as_json:
        show(describe.signed(signed), as_json=True)
    else:
        click.echo(signed.url)
