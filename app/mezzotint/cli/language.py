"""`mezzotint grammar` and `mezzotint operations`: the URL language of the enabled plug-ins."""

from __future__ import annotations

import inspect
import json
from typing import Any

import click

from mezzotint import registry
from mezzotint.cli.context import Context
from mezzotint.cli.output import as_json, table
from mezzotint.grammar.tokens import Role, Token, tokens_of
from mezzotint.registry import Registry


@click.command()
@click.pass_obj
def grammar(context: Context) -> None:
    """Print the table that edges interpret (grammar.json)."""
    table = registry.load(context.settings.plugins.enabled).grammar().export()
    click.echo(json.dumps(table, indent=2, ensure_ascii=False))


@click.command()
@as_json
@click.option("--markdown", is_flag=True, help="Answer with the page docs/operations.md.")
@click.pass_obj
def operations(context: Context, as_json: bool, markdown: bool) -> None:
    """Show the operations that URLs may ask for."""
    if markdown:
        click.echo(page(registry.load(context.settings.plugins.enabled)), nl=False)
        return
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


def page(plugins: Registry) -> str:
    """The docs page of all operations, in the order in which the pipeline takes them."""
    known = {token["key"]: token for token in plugins.grammar().export()["tokens"]}
    lines = [
        "# Operations",
        "",
        "Written from the code by `mezzotint operations --markdown`; a test keeps it true.",
        "",
    ]
    for operation in sorted(plugins.operations, key=lambda each: (each.stage, each.__name__)):
        lines += [f"## {operation.__name__}", "", inspect.getdoc(operation) or "", ""]
        lines += [
            f"*Stage: {operation.stage.name.lower()}.*",
            "",
            "| key | value | when absent |",
            "| --- | --- | --- |",
        ]
        lines += [
            f"| `{token.key}` | {_rule(token, known)} | {_default(known[token.key])} |"
            for _, token in tokens_of(operation)
        ]
        lines.append("")
    return "\n".join(lines)


def _rule(token: Token, known: dict[str, Any]) -> str:
    if token.role is Role.FORMAT:
        return f"is one of {', '.join(known[token.key]['choices'])}"
    return token.kind.rule


def _default(token: dict[str, Any]) -> str:
    default = token.get("default", {})
    if "values" in default:
        return "by format: " + ", ".join(f"`{name}` {value}" for name, value in default["values"].items())
    return f"`{default['value']}`" if default else ""
