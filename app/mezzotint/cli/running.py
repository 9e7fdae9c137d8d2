"""`mezzotint create-database`, `migrate`, `publish`, `renderers` and `doctor`: what keeps an installation running."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version

import click

from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, show, table

LIBRARIES = (
    "mezzotint", "flask", "werkzeug", "gunicorn", "gevent", "psycopg", "redis", "cryptography", "pyjwt", "celery",
    "pyvips", "pyvips-binary", "pillow-heif", "pypdfium2", "wand",
)  # fmt: skip
"""Those that requests and pictures pass through; what decodes comes within the last ones, under their version."""


@click.command()
@click.pass_obj
def migrate(context: Context) -> None:
    """Bring the database's schema up to date."""
    from mezzotint.data import migrations  # noqa: PLC0415

    migrations.upgrade(_owner_dsn(context))
    click.echo("the schema is up to date")


def _owner_dsn(context: Context) -> str:
    owner = context.settings.database.owner_dsn
    if owner is None:
        raise click.ClickException("database.owner_dsn is not set: migrations run as the schema's owner")
    return owner


@click.command()
@click.option(
    "--superuser-dsn", envvar="MEZZOTINT_SUPERUSER_DSN", required=True, help="[default: $MEZZOTINT_SUPERUSER_DSN]"
)
@click.pass_obj
def create_database(context: Context, superuser_dsn: str) -> None:
    """Make the roles and the database that the settings name, where missing, then migrate."""
    from mezzotint.data import migrations, roles  # noqa: PLC0415

    database = context.settings.database
    owner = _owner_dsn(context)
    try:
        roles.ensure_for(superuser_dsn, owner_dsn=owner, app_dsn=database.app_dsn, operator_dsn=database.operator_dsn)
    except ValueError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    migrations.upgrade(owner)
    click.echo("the database is ready")


@click.command()
@click.pass_obj
def publish(context: Context) -> None:
    """Publish everything anew, so that every edge reads all of it again."""
    context.house.publisher.publish_all()
    click.echo("published")


@click.command()
@click.pass_obj
def renderers(context: Context) -> None:
    """Run the renderer processes until told to stop."""
    from mezzotint import pools  # noqa: PLC0415

    pools.run(context.settings)


@click.command()
@click.pass_obj
def isolated(context: Context) -> None:
    """Run the isolated renderers, for formats that are decoded apart, until told to stop."""
    from mezzotint import pools  # noqa: PLC0415

    pools.run_isolated(context.settings)


@click.command()
@as_json
@click.pass_obj
def doctor(context: Context, as_json: bool) -> None:
    """Look at everything that this installation needs; fails when something is wrong."""
    house = context.house
    parts = house.readiness.look()
    facts = {
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
        "plug-ins": ", ".join(context.settings.plugins.enabled),
        "grammar": house.grammar.digest,
        "public hosts": ", ".join(context.settings.public.hosts),
        "stores": ", ".join(f"{name}={store.base_url or store.kind}" for name, store in house.stores.items()),
    }
    if as_json:
        show({**facts, "parts": [asdict(part) for part in parts]}, as_json=True)
    else:
        show(facts, as_json=False)
        click.echo()
        table([asdict(part) for part in parts], ("part", "ok", "latency_ms", "breaker", "problem"), as_json=False)
    if not all(part.ok for part in parts):
        raise click.exceptions.Exit(1)
