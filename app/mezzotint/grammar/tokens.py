"""Tokens: what an operation declares of its spelling in a URL, written as the fields of a dataclass.

    sigma: Decimal | None = decimal("blur", 0.3, 1000)

The first argument is the token's key in the URL. `place` orders the canonical form; what is not ours leaves it at
`PLUGIN_PLACE`, behind everything of the contract, where ties go by key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mezzotint.grammar.kinds import Choice, Colour, DecimalNumber, Flag, Integer, Kind, Name

PLUGIN_PLACE = 1000
_METADATA = "mezzotint.token"

Condition = Mapping[str, tuple[str, ...]]
"""`{"all": keys}`, `{"any": keys}`, or `{key: values}`: that token is present with one of these values."""


class Role(StrEnum):
    """What a few tokens are to the language itself, whatever their keys."""

    PLAIN = "plain"
    FORMAT = "format"
    """names the output format; its choices come from the encoders"""
    PRESET = "preset"
    """names a preset"""
    SCALE = "scale"
    """multiplies the tokens it names, then disappears"""


@dataclass(frozen=True, slots=True)
class Drop:
    """A value that says nothing, so the canonical form leaves it out; `when` narrows it to a condition."""

    value: str
    when: Condition = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """One key of the URL language. Conditions look only at tokens that stand earlier in the canonical order."""

    key: str
    kind: Kind
    place: int = PLUGIN_PLACE
    role: Role = Role.PLAIN
    needs: Condition = dataclasses.field(default_factory=dict)
    default: str | None = None
    default_by_format: bool = False
    drop: tuple[Drop, ...] = ()
    redirect: Mapping[str, str] = dataclasses.field(default_factory=dict)
    scales: tuple[str, ...] = ()


def tokens_of(operation: type) -> Iterator[tuple[str, Token]]:
    """The (field name, token) pairs that a dataclass declares."""
    for field in dataclasses.fields(operation):
        token = field.metadata.get(_METADATA)
        if token is not None:
            yield field.name, token


def _declare(key: str, kind: Kind, absent: Any, rules: dict[str, Any]) -> Any:
    return dataclasses.field(default=absent, metadata={_METADATA: Token(key, kind, **rules)})


def integer(
    key: str, minimum: int, maximum: int, *, floor: bool = False, clamp: bool = False, modulo: int = 0,
    words: tuple[str, ...] = (), **rules: Any,
) -> Any:  # fmt: skip
    """A field for a whole number from `minimum` to `maximum`; None when absent."""
    return _declare(key, Integer(minimum, maximum, floor, clamp, modulo, words), None, rules)


def decimal(key: str, minimum: float, maximum: float, **rules: Any) -> Any:
    """A field for a number with at most two decimals, as Decimal; None when absent."""
    return _declare(key, DecimalNumber(round(minimum * 100), round(maximum * 100)), None, rules)


def choice(key: str, *choices: str, aliases: Mapping[str, str] | None = None, **rules: Any) -> Any:
    """A field for one of `choices`; None when absent."""
    return _declare(key, Choice(choices, aliases or {}), None, rules)


def colour(key: str, **rules: Any) -> Any:
    """A field for a colour, as 6 or 8 lower-case hex digits (red, green, blue, alpha); None when absent."""
    return _declare(key, Colour(), None, rules)


def name(key: str, **rules: Any) -> Any:
    """A field for a name; None when absent."""
    return _declare(key, Name(), None, rules)


def flag(key: str, **rules: Any) -> Any:
    """A field for a bare flag: True when present, else False."""
    return _declare(key, Flag(), False, rules)
