"""Pictures made before anybody asks: those of presets with `auto_generate`, for each asset that they match."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mezzotint.data import assets, policies, presets
from mezzotint.grammar.parser import FALLBACK
from mezzotint.model.errors import InvalidOperation, NotFound, PolicyRefused
from mezzotint.services.follow_up import OfVersion
from mezzotint.services.permit import permit_expanded
from mezzotint.services.wants import content_of

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.grammar import Grammar, Plan
    from mezzotint.model.asset import Asset
    from mezzotint.model.job import Job
    from mezzotint.model.preset import Preset
    from mezzotint.services.variants import Variants
    from mezzotint.services.wants import Wants


class Ahead:
    """Makes what a preset alone shows of an asset, in each format that browsers would get."""

    def __init__(self, database: Database, grammar: Grammar, wants: Wants, variants: Variants) -> None:
        self._database = database
        self._grammar = grammar
        self._wants = wants
        self._variants = variants

    def make(self, job: Job) -> None:
        """The pictures of one preset for one version. Raises NotFound and what rendering raises."""
        of = OfVersion.read(job)
        with self._database.scoped(of.scope) as tx:
            asset = assets.get(tx, of.asset_id, of.number)
            if asset is None:
                raise NotFound
            preset = presets.nearest(tx, asset.owner, job.payload["preset"])
            policy = policies.resolved(tx, asset.owner)
        if preset is None:
            raise NotFound
        for plan in self._wants.each_format(asset, self._plan(asset, preset)):
            with suppress(PolicyRefused):  # then nobody gets it
                permit_expanded(plan, policy, self._grammar)
                self._variants.obtain(self._wants.wanted(asset, plan, policy, background=True))

    def _plan(self, asset: Asset, preset: Preset) -> Plan:
        """What the preset says, in its own format or, when it names none, in the original's."""
        try:
            ext = self._grammar.extension(content_of(asset).format)
        except InvalidOperation:
            ext = FALLBACK  # of a format that is read and not written
        format = self._grammar.preset_format(preset.spelling) or ext
        asked = self._grammar.parse(f"fmt_{format}-preset_{preset.name}", ext)
        return self._grammar.expand(asked, preset.spelling)
