"""Text to plan to text: every spelling of a picture maps to one canonical name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from mezzotint.grammar.export import digest_of, export_table
from mezzotint.grammar.kinds import Choice, Integer, Value, hundredths
from mezzotint.grammar.tokens import Condition, Role, Token, tokens_of
from mezzotint.model.errors import InvalidOperation

AUTO = "auto"
FALLBACK = "jpg"
"""What `fmt_auto` falls back to when `ext` names a format that not every client takes."""


class Format(Protocol):
    """What the grammar needs to know of an encoder."""

    format: str
    aliases: tuple[str, ...]
    quality: int | None
    negotiated: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A picture asked for: canonical (key, text) tokens in canonical order, and the canonical ext."""

    tokens: tuple[tuple[str, str], ...]
    ext: str
    preset: str | None = None

    @property
    def canonical(self) -> str:
        """The operations as the canonical path spells them."""
        return spell(self.tokens)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the tokens present."""
        return frozenset(key for key, _ in self.tokens)


def spell(tokens: Sequence[tuple[str, str]]) -> str:
    """Tokens as text; a flag has no value to write."""
    return "-".join(f"{key}_{text}" if text else key for key, text in tokens)


def variant_identity(plan: Plan, *, asset_sha256: str, format: str, recipe: str) -> str:
    """The stored variant's identity within its tenant: SHA-256 in hex (contract, section 3). `plan` is resolved."""
    name = f"{plan.canonical};{asset_sha256};fmt={format};recipe={recipe}"
    return hashlib.sha256(name.encode()).hexdigest()


class Grammar:
    """The language that a set of operations and output formats makes. Immutable; knows no operation by name."""

    def __init__(self, operations: Sequence[type], formats: Sequence[Format], originals: Sequence[str] = ()) -> None:
        """`originals` are formats that are read but not written: they are an ext of `original` alone.

        Raises ValueError when two declare the same key or format, or a role is missing.
        """
        self._formats = {encoder.format: encoder for encoder in sorted(formats, key=lambda encoder: encoder.format)}
        self._extensions = {
            alias: encoder.format for encoder in formats for alias in (encoder.format, *encoder.aliases)
        }
        self._originals = sorted(set(originals) - self._extensions.keys())
        declared = [(operation, name, token) for operation in operations for name, token in tokens_of(operation)]
        for role in (Role.FORMAT, Role.PRESET, Role.SCALE):
            if sum(token.role is role for _, _, token in declared) != 1:
                raise ValueError(f"exactly one token must have the role {role}")
        self._owner = {token.key: (operation, name) for operation, name, token in declared}
        if len(self._owner) != len(declared):
            keys = [token.key for _, _, token in declared]
            raise ValueError(f"declared twice: {', '.join(sorted({key for key in keys if keys.count(key) > 1}))}")
        ordered = sorted(
            (self._complete(token) for _, _, token in declared), key=lambda token: (token.place, token.key)
        )
        self._tokens = {token.key: token for token in ordered}
        roles = {token.role: token for token in ordered}
        self._format, self._preset, self._scale = roles[Role.FORMAT], roles[Role.PRESET], roles[Role.SCALE]

    def _complete(self, token: Token) -> Token:
        if token.role is Role.FORMAT:
            aliases = {alias: name for alias, name in self._extensions.items() if alias != name}
            return replace(token, kind=Choice((*self._formats, AUTO), aliases))
        return token

    def parse(self, operations: str, ext: str) -> Plan:
        """The plan that `operations` and `ext` ask for. Raises InvalidOperation, naming token, rule and range."""
        return self._canonical(self._read(operations), self.extension(ext))

    def extension(self, ext: str) -> str:
        """The canonical form of `ext`. Raises InvalidOperation when no encoder writes it."""
        if ext not in self._extensions:
            raise InvalidOperation(f"ext {ext[:16]!r} is none of {', '.join(self._formats)}", field="ext")
        return self._extensions[ext]

    def original(self, ext: str) -> str:
        """The canonical form of an original's `ext`. Raises InvalidOperation when no such format comes in."""
        return ext if ext in self._originals else self.extension(ext)

    def preset_operations(self, operations: str) -> str:
        """The operations of a preset in canonical order, nothing added or folded. Raises InvalidOperation."""
        given = self._read(operations)
        for token in (self._preset, self._scale):
            if token.key in given:
                raise InvalidOperation(f"a preset holds no {token.key}", field="operations")
        return spell([(key, given[key]) for key in self._tokens if key in given])

    def preset_format(self, operations: str) -> str | None:
        """The output format a preset's own operations name, if any."""
        return self._read(operations).get(self._format.key)

    def expand(self, plan: Plan, preset_operations: str) -> Plan:
        """`plan` with its preset's operations under its own tokens; ext and format are the plan's."""
        own = {key: text for key, text in plan.tokens if key != self._preset.key}
        return self._canonical(self._read(preset_operations) | own, plan.ext)

    def resolve(self, plan: Plan, format: str) -> Plan:
        """An expanded `plan` with its `auto` format replaced by `format`; others are returned as they are.

        A quality given beside `auto` is on JPEG's scale, so a format with another scale takes its share of it.
        """
        given = dict(plan.tokens)
        if given[self._format.key] != AUTO:
            return plan
        given[self._format.key] = format
        own, base = self._formats[format].quality, self._formats[FALLBACK].quality
        for key, text in given.items():
            if self._tokens[key].default_by_format and own and base and text.isdecimal():
                given[key] = str(max(1, (int(text) * own * 2 + base) // (base * 2)))
        return self._canonical(given, plan.ext)

    def format(self, plan: Plan) -> str:
        """The output format of `plan`: a format's name, or `auto`."""
        return dict(plan.tokens)[self._format.key]

    def is_auto(self, plan: Plan) -> bool:
        """Whether the client's Accept header chooses the format."""
        return self.format(plan) == AUTO

    def is_preset_alone(self, plan: Plan) -> bool:
        """Whether `plan` is a preset with nothing beside it but a format and a scale."""
        return plan.preset is not None and plan.keys <= {self._preset.key, self._format.key, self._scale.key}

    def chosen(self, plan: Plan) -> frozenset[str]:
        """The keys of an expanded plan that somebody chose: not the format, nor what is there by default."""
        defaults = {key for key, text in plan.tokens if text == self._default(self._tokens[key], dict(plan.tokens))}
        return plan.keys - defaults - {self._format.key}

    def sides(self, plan: Plan) -> dict[str, int]:
        """The sides in pixels that an expanded plan asks for: the tokens that the scale multiplies."""
        given = dict(plan.tokens)
        return {key: int(given[key]) for key in self._scale.scales if key in given}

    def values(self, plan: Plan) -> dict[str, Value]:
        """The typed value of each token of `plan`."""
        return {key: self._tokens[key].kind.value(text) for key, text in plan.tokens}

    def operations(self, plan: Plan) -> list[Any]:
        """The operations of an expanded, resolved `plan`, constructed, in no certain order."""
        arguments: dict[type, dict[str, Value]] = {}
        for key, value in self.values(plan).items():
            operation, name = self._owner[key]
            arguments.setdefault(operation, {})[name] = value
        return [operation(**fields) for operation, fields in arguments.items()]

    def export(self) -> dict[str, Any]:
        """The table that the edge interprets (`grammar.json`), its digest included."""
        tokens, formats = self._tokens.values(), self._formats.values()
        return export_table(tokens, formats, self._originals, FALLBACK, self._default_values)

    @cached_property
    def digest(self) -> str:
        """Tells two languages apart: SHA-256 in hex of the exported table."""
        return digest_of(self.export())

    def _read(self, operations: str) -> dict[str, str]:
        given: dict[str, str] = {}
        for written in operations.split("-"):
            key, separator, value = written.partition("_")
            token = self._tokens.get(key)
            if token is not None and value in token.redirect:
                token = self._tokens[token.redirect[value]]
            if token is None:
                raise InvalidOperation(f"{written[:80]!r} is not an operation", field="operations")
            if token.key in given:
                raise InvalidOperation(f"{written[:80]!r}: {token.key} is given twice", field="operations")
            if bool(separator) != bool(value):
                raise InvalidOperation(f"{written[:80]!r} has no value", field="operations")
            try:
                given[token.key] = token.kind.spell(value)
            except ValueError as problem:
                raise InvalidOperation(f"{written[:80]!r}: {token.key} {problem}", field="operations") from None
        return given

    def _canonical(self, given: dict[str, str], ext: str) -> Plan:
        named = given.get(self._format.key, ext)
        if named == AUTO:
            ext = FALLBACK if self._formats[ext].negotiated else ext
        else:
            ext = named
        given = given | {self._format.key: named}
        if self._preset.key in given:
            return self._beside_preset(given, ext)
        given = self._fold(given)
        present: dict[str, str] = {}
        for key, token in self._tokens.items():
            text = given.get(key, self._default(token, present))
            if text is None or not _met(token.needs, present):
                continue
            if not any(text == drop.value and _met(drop.when, present) for drop in token.drop):
                present[key] = text
        return Plan(tuple(present.items()), ext)

    def _beside_preset(self, given: dict[str, str], ext: str) -> Plan:
        # The preset may set anything, so nothing is folded or defaulted: only a scale of 1 says nothing for certain.
        keys = [self._preset.key, *(key for key in self._tokens if key != self._preset.key)]
        tokens = [(key, given[key]) for key in keys if key in given]
        tokens = [token for token in tokens if token != (self._scale.key, "1")]
        return Plan(tuple(tokens), ext, preset=given[self._preset.key])

    def _fold(self, given: dict[str, str]) -> dict[str, str]:
        if self._scale.key not in given:
            return given
        factor = hundredths(given[self._scale.key])
        folded = {key: text for key, text in given.items() if key != self._scale.key}
        for key in self._scale.scales:
            if key in folded:
                kind = self._tokens[key].kind
                amount = max(1, (int(folded[key]) * factor + 50) // 100)
                if isinstance(kind, Integer) and amount > kind.maximum:
                    scale = f"{self._scale.key}_{given[self._scale.key]}"
                    detail = f"'{key}_{folded[key]}' times {scale} is {amount}: {key} takes at most {kind.maximum}"
                    raise InvalidOperation(detail, field="operations")
                folded[key] = str(amount)
        return folded

    def _default(self, token: Token, present: Mapping[str, str]) -> str | None:
        if token.default_by_format:
            return self._default_values().get(present[self._format.key])
        return token.default

    def _default_values(self) -> dict[str, str]:
        return {name: str(encoder.quality) for name, encoder in self._formats.items() if encoder.quality is not None}


def _met(condition: Condition, present: Mapping[str, str]) -> bool:
    for key, wanted in condition.items():
        if key == "all":
            met = all(other in present for other in wanted)
        elif key == "any":
            met = any(other in present for other in wanted)
        else:
            met = present.get(key) in wanted
        if not met:
            return False
    return True
