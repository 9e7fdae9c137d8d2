"""`mezzotint grammar` and `mezzotint operations`: the URL language of the enabled plug-ins."""

from __future__ import annotations

import inspect
import json

import click

from mezzotint import registry
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, table
from mezzotint.grammar.tokens import tokens_of


@click.command()
@click.pass_obj
def grammar(context: Context) -> None:
    """Print the table that edges interpret (grammar.json)."""
    table = registry.load(context.settings.plugins.enabled).grammar().export()
    click.echo(json.dumps(table, indent=2, ensure_ascii=False))


@click.command()
@as_json
@click.pass_obj
def operations(context: Context, as_json: bool) -> None:
    """Show the operations that URLs may ask for."""
    records = [
        {
            "operation": operation.__name__,
            "keys": [token.key for _, token in tokens_of(operation)],
            "stage": operation.stage.name.lower(),
            "plugin": operation.__module__.partition(".")[0],
            "about": inspect.getdoc(operation) or "",
        }
        for operation in registry.load(context.settings.plugins.enabled).operations
    ]
    if not as_json:
        records = [record | {"about": str(record["about"]).partition("\n")[0]} for record in records]
    table(records, ("operation", "keys", "stage", "plugin", "about"), as_json=as_json)
