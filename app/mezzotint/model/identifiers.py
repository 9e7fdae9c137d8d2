"""Identifiers: 128-bit UUIDs inside, ULIDs (26 Crockford base-32 characters) outside; slugs for names in URLs."""

from __future__ import annotations

import os
import re
import time
from uuid import UUID

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?", re.ASCII)
"""A name in a URL: 1 to 100 of a-z, 0-9 and `-`, with neither end a `-`. Use `fullmatch`."""


def new_id() -> UUID:
    """A new identifier that sorts by time: 48 bits of milliseconds, then 80 random bits (the ULID layout)."""
    return UUID(int=(time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10)))


def to_ulid(identifier: UUID) -> str:
    """The 26 upper-case characters of `identifier`."""
    return "".join(_ALPHABET[identifier.int >> shift & 31] for shift in range(125, -1, -5))


def from_ulid(text: str) -> UUID:
    """The identifier spelled by `text`, in either case. Raises ValueError when it is no ULID."""
    upper = text.upper()
    if not text.isascii() or _ULID.fullmatch(upper) is None:
        raise ValueError(f"not a ULID: {text[:64]!r}")
    number = 0
    for character in upper:
        number = number << 5 | _VALUES[character]
    return UUID(int=number)
