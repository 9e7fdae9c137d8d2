"""The grammar as a table (`grammar.json`) for an interpreter in another language: the edge's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from mezzotint.grammar.tokens import Condition, Role, Token

VERSION = 1


def export_table(
    tokens: Iterable[Token], formats: Iterable[Any], originals: Iterable[str], fallback: str,
    defaults: Callable[[], dict[str, str]],
) -> dict[str, Any]:  # fmt: skip
    """The whole table; tokens in canonical order, decimals in hundredths, texts in their canonical spelling."""
    ordered = list(tokens)
    format_key = next(token.key for token in ordered if token.role is Role.FORMAT)
    table: dict[str, Any] = {
        "version": VERSION,
        "formats": [
            {"name": encoder.format, "aliases": list(encoder.aliases), "negotiated": encoder.negotiated}
            for encoder in formats
        ],
        "originals": list(originals),
        "auto_fallback": fallback,
        "tokens": [_token(token, {"by": format_key, "values": defaults()}) for token in ordered],
    }
    return table | {"digest": digest_of(table)}


def digest_of(table: dict[str, Any]) -> str:
    """SHA-256 in hex of a table, its own digest left out."""
    content = {key: value for key, value in table.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _token(token: Token, by_format: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"key": token.key, "kind": token.kind.name, **token.kind.export()}
    if token.role is not Role.PLAIN:
        row["role"] = token.role.value
    if token.needs:
        row["needs"] = _condition(token.needs)
    if token.default_by_format:
        row["default"] = by_format
    elif token.default is not None:
        row["default"] = {"value": token.default}
    if token.drop:
        row["drop"] = [
            {"value": drop.value} | ({"when": _condition(drop.when)} if drop.when else {}) for drop in token.drop
        ]
    if token.redirect:
        row["redirect"] = dict(token.redirect)
    if token.scales:
        row["scales"] = list(token.scales)
    return row


def _condition(condition: Condition) -> dict[str, list[str]]:
    return {key: list(wanted) for key, wanted in condition.items()}
