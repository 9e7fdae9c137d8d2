"""Presets: named plans of an organization, a tenant or a space."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from mezzotint.data import generations, presets
from mezzotint.data.postgres import Database, Transaction
from mezzotint.grammar import Grammar, Plan
from mezzotint.model.errors import InvalidField, InvalidOperation, NotFound
from mezzotint.model.preset import Preset
from mezzotint.services.caller import Caller
from mezzotint.services.labels import clean_folders, clean_tags
from mezzotint.services.publish import Publisher
from mezzotint.services.reach import Level, find_level, level_of, reading
from mezzotint.services.record import record

NAME = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:_[a-z0-9]+)*", re.ASCII)


class Presets:
    """Makes, changes and deletes presets; pictures made by one are made anew within a second of a change."""

    def __init__(self, database: Database, publisher: Publisher, grammar: Grammar) -> None:
        self._database = database
        self._publisher = publisher
        self._grammar = grammar

    def create(
        self,
        caller: Caller,
        organization: str | None,
        tenant: str | None,
        space: str | None,
        name: str,
        operations: str,
        *,
        auto_generate: bool = False,
        match_tags: Sequence[str] = (),
        match_folders: Sequence[str] = (),
    ) -> tuple[Level, Preset]:
        """A new preset of the level named. Raises NotFound, InvalidField, InvalidOperation, Conflict (name taken)."""
        if not NAME.fullmatch(name):
            raise InvalidField("words of a-z and 0-9 joined by single _, at most 64 characters", field="name")
        values = self._values(operations)
        tags, folders = clean_tags(match_tags, "match_tags"), clean_folders(match_folders, "match_folders")
        with reading(self._database, caller) as tx:
            level = find_level(tx, caller, organization, tenant, space)
        with self._database.scoped(level.scope) as tx:
            preset = presets.insert(
                tx,
                level.owner,
                name,
                values,
                auto_generate=auto_generate,
                match_tags=tags,
                match_folders=folders,
            )
            self._changed(tx, caller, "preset.create", level, preset)
        self._publisher.drain()
        return level, self._ordered(preset)

    def get(self, caller: Caller, preset_id: UUID) -> tuple[Level, Preset]:
        """Raises NotFound."""
        with reading(self._database, caller) as tx:
            return self._find(tx, preset_id)

    def page(
        self,
        caller: Caller,
        organization: str | None,
        tenant: str | None,
        space: str | None,
        *,
        after: UUID | None = None,
        limit: int = 100,
    ) -> tuple[Level, list[Preset]]:
        """Those of exactly the level named, oldest first. Raises NotFound, InvalidField."""
        with reading(self._database, caller) as tx:
            level = find_level(tx, caller, organization, tenant, space)
            found = presets.page(tx, level.owner, after=after, limit=limit)
            return level, [self._ordered(preset) for preset in found]

    def update(
        self,
        caller: Caller,
        preset_id: UUID,
        *,
        operations: str | None = None,
        auto_generate: bool | None = None,
        match_tags: Sequence[str] | None = None,
        match_folders: Sequence[str] | None = None,
    ) -> tuple[Level, Preset]:
        """Change what is given. Raises NotFound, as for another tenant's for one that a tenant's organization owns."""
        values = None if operations is None else self._values(operations)
        tags = None if match_tags is None else clean_tags(match_tags, "match_tags")
        folders = None if match_folders is None else clean_folders(match_folders, "match_folders")
        level = self._owned(caller, preset_id)
        with self._database.scoped(level.scope) as tx:
            preset = presets.update(
                tx, preset_id, operations=values, auto_generate=auto_generate, match_tags=tags, match_folders=folders
            )
            if preset is None:
                raise NotFound
            self._changed(tx, caller, "preset.update", level, preset)
        self._publisher.drain()
        return level, self._ordered(preset)

    def delete(self, caller: Caller, preset_id: UUID) -> None:
        """Raises NotFound."""
        level = self._owned(caller, preset_id)
        with self._database.scoped(level.scope) as tx:
            _, preset = self._find(tx, preset_id)
            presets.delete(tx, preset_id)
            self._changed(tx, caller, "preset.delete", level, preset)
        self._publisher.drain()

    def _owned(self, caller: Caller, preset_id: UUID) -> Level:
        """Where a preset that `caller` may change belongs: a tenant's key sees its organization's, and changes none."""
        level, _ = self.get(caller, preset_id)
        if caller.tenant_id is not None and level.tenant is None:
            raise NotFound
        return level

    def _find(self, tx: Transaction, preset_id: UUID) -> tuple[Level, Preset]:
        preset = presets.get(tx, preset_id)
        if preset is None:
            raise NotFound
        return level_of(tx, preset.owner), self._ordered(preset)

    def _ordered(self, preset: Preset) -> Preset:
        """With its operations in canonical order, which JSON in the registry does not keep."""
        try:
            return replace(preset, operations=self._values(preset.spelling))
        except InvalidOperation:
            return preset  # it uses a plug-in that is not enabled any more

    @staticmethod
    def _changed(tx: Transaction, caller: Caller, action: str, level: Level, preset: Preset) -> None:
        generations.bump(tx, f"p:{level.path}/{preset.name}")
        record(tx, caller, action, f"{level.path}/{preset.name}", operations=preset.spelling)

    def _values(self, operations: str) -> Mapping[str, int | str | bool]:
        """Operations as they are kept. Raises InvalidOperation."""
        spelled = self._grammar.preset_operations(operations)
        tokens = tuple((key, text) for key, _, text in (token.partition("_") for token in spelled.split("-")))
        values = self._grammar.values(Plan(tokens, ext=""))
        return {key: str(value) if isinstance(value, Decimal) else value for key, value in values.items()}
