"""What a scope allows: every value may be left to the scope above."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from mezzotint.model.asset import Access

ALL = ("*",)


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and defaults of one organization, tenant or space. None is inherited from above.

    Lifetimes and cache times are seconds, sides pixels; source pixels count every frame. `allowed_operations`
    holds operation keys and `allowed_formats` format names; ALL allows every one.
    """

    default_access: Access | None = None
    allowed_operations: tuple[str, ...] | None = None
    allowed_formats: tuple[str, ...] | None = None
    presets_only: bool | None = None
    max_upload_bytes: int | None = None
    max_source_pixels: int | None = None
    max_output_pixels: int | None = None
    max_side: int | None = None
    default_lifetime: int | None = None
    max_lifetime: int | None = None
    public_originals: bool | None = None
    cache_seconds_fixed: int | None = None
    cache_seconds_preset: int | None = None

    def over(self, parent: "Policy") -> "Policy":
        """This policy, with what it leaves open taken from `parent`."""
        own = {name: value for name in NAMES if (value := getattr(self, name)) is not None}
        return replace(parent, **own)

    def to_json(self) -> dict[str, Any]:
        """As JSON's types, every field by its name."""
        return {name: list(value) if isinstance(value := getattr(self, name), tuple) else value for name in NAMES}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The policy that `to_json` wrote; a field that is missing is None, one that is unknown is ignored."""
        known = {name: values[name] for name in NAMES if values.get(name) is not None}
        for name in ("allowed_operations", "allowed_formats"):
            if name in known:
                known[name] = tuple(known[name])
        if "default_access" in known:
            known["default_access"] = Access(known["default_access"])
        return cls(**known)


NAMES = tuple(f.name for f in fields(Policy))

DEFAULTS = Policy(
    default_access=Access.PUBLIC,
    allowed_operations=ALL,
    allowed_formats=ALL,
    presets_only=False,
    max_upload_bytes=100 * 1024 * 1024,
    max_source_pixels=50_000_000,
    max_output_pixels=50_000_000,
    max_side=8192,
    default_lifetime=3_600,
    max_lifetime=86_400,
    public_originals=False,
    cache_seconds_fixed=31_536_000,
    cache_seconds_preset=3_600,
)


def resolve(*chain: Policy | None) -> Policy:
    """The complete policy of a scope; `chain` runs from its own (None: has none) up to the organization's."""
    resolved = Policy()
    for policy in chain:
        if policy is not None:
            resolved = resolved.over(policy)
    return resolved.over(DEFAULTS)
