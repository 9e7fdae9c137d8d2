"""Kinds of arguments: places by their path, things by their ULID."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click

from mezzotint.model.identifiers import from_ulid

Names = tuple[str, str | None, str | None]
"""Organization, tenant, space; None where the place is no such inner one."""

_WORDS = ("ORGANIZATION", "TENANT", "SPACE")


class Place(click.ParamType[Names]):
    """`acme/website/marketing`, or fewer of the three: from `least` to `most`."""

    name = "place"

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self._form

    @property
    def _form(self) -> str:
        inner = _WORDS[self._least : self._most]
        return "/".join(_WORDS[: self._least]) + "".join(f"[/{word}" for word in inner) + "]" * len(inner)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Names:
        if isinstance(value, tuple):
            return value
        parts = str(value).split("/")
        if not self._least <= len(parts) <= self._most or not all(parts):
            self.fail(f"{value!r}: write {self._form}", param, ctx)
        organization, tenant, space = (*parts, None, None)[:3]
        return str(organization), tenant, space


ORGANIZATION, TENANT, SPACE = Place(1, 1), Place(2, 2), Place(3, 3)
WITHIN_TENANT = Place(2, 3)
OWNER = Place(1, 2)
"""Who keys belong to."""
LEVEL = Place(1, 3)
"""Where policies and presets belong."""


class _Ulid(click.ParamType[UUID]):
    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        try:
            return value if isinstance(value, UUID) else from_ulid(str(value))
        except ValueError:
            self.fail(f"{value!r} is not an identifier of 26 characters", param, ctx)


ULID = _Ulid()
