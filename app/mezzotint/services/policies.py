"""Policies: what each organization, tenant and space allows."""

from __future__ import annotations

from dataclasses import dataclass

from mezzotint.data import generations, policies
from mezzotint.data.postgres import Database
from mezzotint.grammar import Grammar
from mezzotint.model.errors import Forbidden, InvalidField
from mezzotint.model.policy import ALL, DEFAULTS, Policy
from mezzotint.services.caller import Caller
from mezzotint.services.publish import Publisher
from mezzotint.services.reach import Level, exact_level, reading
from mezzotint.services.record import record

LIMITS = {
    "max_upload_bytes": 1 << 40,
    "max_source_pixels": 1 << 40,
    "max_output_pixels": 1 << 40,
    "max_side": DEFAULTS.max_side,
    "default_lifetime": 366 * 86_400,
    "max_lifetime": 366 * 86_400,
    "cache_seconds_fixed": 31_536_000,
    "cache_seconds_preset": 31_536_000,
}
"""The most that a policy may say; the grammar itself ends at the default side."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A level's own policy (None where it inherits) beside the one that holds for it."""

    level: Level
    own: Policy
    effective: Policy


class Policies:
    """Reads and sets policies."""

    def __init__(self, database: Database, publisher: Publisher, grammar: Grammar) -> None:
        self._database = database
        self._publisher = publisher
        self._grammar = grammar

    def get(self, caller: Caller, organization: str, tenant: str | None, space: str | None) -> Ruled:
        """Raises NotFound."""
        with reading(self._database, caller) as tx:
            level = exact_level(tx, caller, organization, tenant, space)
            own = policies.get(tx, level.owner) or Policy()
            return Ruled(level, own, policies.resolved(tx, level.owner))

    def put(self, caller: Caller, organization: str, tenant: str | None, space: str | None, policy: Policy) -> Ruled:
        """Replace a level's own policy. Everything cached below is made anew under it, within a second.

        Raises NotFound, InvalidField, Forbidden for a tenant's key on its organization.
        """
        self._check(policy)
        if caller.tenant_id is not None and tenant is None:
            raise Forbidden("a key of one tenant may not do this")
        with reading(self._database, caller) as tx:
            level = exact_level(tx, caller, organization, tenant, space)
        with self._database.scoped(level.scope) as tx:
            policies.put(tx, level.owner, policy)
            generations.bump(tx, level.generation)
            record(tx, caller, "policy.put", level.path)
            effective = policies.resolved(tx, level.owner)
        self._publisher.drain()
        return Ruled(level, policy, effective)

    def _check(self, policy: Policy) -> None:
        for name, limit in LIMITS.items():
            value = getattr(policy, name)
            least = 0 if name.startswith("cache_seconds") else 1
            if value is not None and limit is not None and not least <= value <= limit:
                raise InvalidField(f"from {least} to {limit:,}", field=name)
        table = self._grammar.export()
        known = {
            "allowed_operations": {token["key"] for token in table["tokens"]},
            "allowed_formats": {format["name"] for format in table["formats"]},
        }
        for name, words in known.items():
            value = getattr(policy, name)
            unknown = set(value or ()) - words if value != ALL else set()
            if unknown:
                raise InvalidField(
                    f"{', '.join(sorted(unknown))}: unknown; known are {', '.join(sorted(words))}", field=name
                )
