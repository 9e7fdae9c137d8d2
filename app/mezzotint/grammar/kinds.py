"""The kinds of value a token may have. Each turns what was written into its one canonical spelling.

Arithmetic is exact: decimals are whole numbers of hundredths, never floating point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Protocol

Value = int | Decimal | str | bool

_INTEGER = re.compile(r"[0-9]{1,6}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,2})?", re.ASCII)
_COLOUR = re.compile(r"[0-9a-fA-F]{3,8}", re.ASCII)
_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*", re.ASCII)


def hundredths(text: str) -> int:
    """A decimal's text in hundredths: `2.5` is 250."""
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def decimal_text(amount: int) -> str:
    """The canonical text of an amount in hundredths: 250 is `2.5`, 300 is `3`."""
    whole, rest = divmod(amount, 100)
    return f"{whole}.{rest:02}".rstrip("0") if rest else str(whole)


class Kind(Protocol):
    """What a token's value may be; `spell` gives the canonical text or raises ValueError with the rule broken."""

    name: ClassVar[str]

    @property
    def rule(self) -> str:
        """What a value must be, as errors and docs say it."""

    def spell(self, text: str) -> str: ...
    def value(self, text: str) -> Value: ...
    def export(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number. `floor` drops the fraction of a decimal; `modulo` wraps; `clamp` pulls into the range."""

    name: ClassVar[str] = "integer"
    minimum: int
    maximum: int
    floor: bool = False
    clamp: bool = False
    modulo: int = 0
    words: tuple[str, ...] = ()

    def spell(self, text: str) -> str:
        if text in self.words:
            return text
        pattern = _DECIMAL if self.floor else _INTEGER
        number = int(text.partition(".")[0]) if pattern.fullmatch(text) else -1
        if number >= 0 and self.modulo:
            number %= self.modulo
        if number >= 0 and self.clamp:
            number = min(max(number, self.minimum), self.maximum)
        if not self.minimum <= number <= self.maximum:
            raise ValueError(self.rule)
        return str(number)

    @property
    def rule(self) -> str:
        words = "".join(f" or {word}" for word in self.words)
        return f"takes a whole number from {self.minimum} to {self.maximum}{words}"

    def value(self, text: str) -> Value:
        return text if text in self.words else int(text)

    def export(self) -> dict[str, Any]:
        options = {"floor": self.floor, "clamp": self.clamp, "modulo": self.modulo, "words": list(self.words)}
        return {"min": self.minimum, "max": self.maximum} | {name: given for name, given in options.items() if given}


@dataclass(frozen=True, slots=True)
class DecimalNumber:
    """A number with at most two decimals; bounds are in hundredths."""

    name: ClassVar[str] = "decimal"
    minimum: int
    maximum: int

    def spell(self, text: str) -> str:
        amount = hundredths(text) if _DECIMAL.fullmatch(text) else -1
        if not self.minimum <= amount <= self.maximum:
            raise ValueError(self.rule)
        return decimal_text(amount)

    @property
    def rule(self) -> str:
        low, high = decimal_text(self.minimum), decimal_text(self.maximum)
        return f"takes a number from {low} to {high} with at most two decimals"

    def value(self, text: str) -> Value:
        return Decimal(text)

    def export(self) -> dict[str, Any]:
        return {"min": self.minimum, "max": self.maximum}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words; `aliases` maps other spellings to them."""

    name: ClassVar[str] = "choice"
    choices: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def spell(self, text: str) -> str:
        word = self.aliases.get(text, text)
        if word not in self.choices:
            raise ValueError(self.rule)
        return word

    @property
    def rule(self) -> str:
        return f"is one of {', '.join(self.choices)}"

    def value(self, text: str) -> Value:
        return text

    def export(self) -> dict[str, Any]:
        aliases = {"aliases": dict(self.aliases)} if self.aliases else {}
        return {"choices": list(self.choices), **aliases}


@dataclass(frozen=True, slots=True)
class Colour:
    """Hex digits, 3, 4, 6 or 8; spelled with 6 or 8 in lower case, and without an alpha that is opaque."""

    name: ClassVar[str] = "colour"
    rule: ClassVar[str] = "is a colour of 3, 4, 6 or 8 hex digits"

    def spell(self, text: str) -> str:
        if not _COLOUR.fullmatch(text) or len(text) in (5, 7):
            raise ValueError(self.rule)
        digits = text.lower()
        if len(digits) < 6:
            digits = "".join(digit * 2 for digit in digits)
        return digits[:6] if digits[6:] == "ff" else digits

    def value(self, text: str) -> Value:
        return text

    def export(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Name:
    """A name: runs of a-z and 0-9 joined by single `_`, at most 64 characters."""

    name: ClassVar[str] = "name"
    rule: ClassVar[str] = "is a name of a-z, 0-9 and single _ inside, at most 64 characters"

    def spell(self, text: str) -> str:
        if len(text) > 64 or not _NAME.fullmatch(text):
            raise ValueError(self.rule)
        return text

    def value(self, text: str) -> Value:
        return text

    def export(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Flag:
    """Present or absent; its canonical text is empty."""

    name: ClassVar[str] = "flag"
    rule: ClassVar[str] = "is a flag and takes no value"

    def spell(self, text: str) -> str:
        if text:
            raise ValueError(self.rule)
        return ""

    def value(self, text: str) -> Value:
        return True

    def export(self) -> dict[str, Any]:
        return {}
