"""The operator's command: the same services as the control plane, without HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from mezzotint.cli.api_keys import api_keys
from mezzotint.cli.assets import assets, invalidate
from mezzotint.cli.audit import audit
from mezzotint.cli.context import Commands, Context
from mezzotint.cli.jobs import jobs
from mezzotint.cli.language import grammar, operations
from mezzotint.cli.organizations import organizations
from mezzotint.cli.policies import policies
from mezzotint.cli.presets import presets
from mezzotint.cli.quarantine import quarantine
from mezzotint.cli.running import create_database, doctor, isolated, migrate, publish, renderers
from mezzotint.cli.sign import sign
from mezzotint.cli.signing_keys import signing_keys
from mezzotint.cli.spaces import spaces
from mezzotint.cli.tenants import tenants
from mezzotint.cli.upload import upload
from mezzotint.cli.usage import usage
from mezzotint.settings import ENVIRONMENT


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    envvar=ENVIRONMENT,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"The settings. [default: ${ENVIRONMENT}, else var/mezzotint.toml]",
)
@click.version_option(package_name="mezzotint")
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """Mezzotint: upload a picture once, ask for it by URL in any shape."""
    context.obj = Context(config)


for command in (
    organizations, tenants, spaces, policies, upload, assets, presets, sign, signing_keys, api_keys, invalidate,
    usage, audit, jobs, quarantine, create_database, migrate, publish, grammar, operations, doctor, renderers,
    isolated,
):  # fmt: skip
    main.add_command(command)
