"""What the commands share: the settings, the house built when first needed, and who is calling."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mezzotint import settings
from mezzotint.model.errors import MezzotintError
from mezzotint.services.caller import Caller

if TYPE_CHECKING:
    from mezzotint.wiring import House

BESIDE = Path("var/mezzotint.toml")
"""Where scripts/run writes the settings, seen from the project's folder."""

Command = TypeVar("Command", bound=Callable[..., Any])


class Context:
    """One run of the command line."""

    def __init__(self, config: Path | None) -> None:
        self._config = config or _beside()
        self.caller = Caller(f"cli:{getpass.getuser()}")

    @cached_property
    def settings(self) -> settings.Settings:
        if self._config is not None:
            _become_owner(self._config)
        return settings.load(self._config)

    @cached_property
    def house(self) -> House:
        # The libraries behind it take a while to import, and --help should not.
        from mezzotint import wiring  # noqa: PLC0415

        return wiring.build(self.settings)


class Commands(click.Group):
    """A group whose commands tell of our errors in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MezzotintError as error:
            raise click.ClickException(f"{error.field}: {error.detail}" if error.field else error.detail) from error
        except settings.SettingsError as error:
            raise click.ClickException(str(error)) from error


def _beside() -> Path | None:
    try:
        return BESIDE if BESIDE.exists() else None
    except PermissionError:  # whoever reads it says so
        return BESIDE


def _become_owner(config: Path) -> None:
    """Root works as the user whose installation this is, so that what it leaves behind can be read by the rest."""
    if os.geteuid() != 0 or not config.exists():
        return
    owner = config.stat()
    if owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
