"""Delivery paths: the one form that is served, read from the raw bytes of a request, and its canonical spelling."""

from __future__ import annotations

import re
from typing import cast

from mezzotint.grammar.parser import Grammar, Plan
from mezzotint.model.address import Access, Address
from mezzotint.model.errors import InvalidPath, PathTooLong
from mezzotint.model.identifiers import from_ulid, to_ulid

MAX_PATH = 1024
MAX_OPERATIONS = 512
ORIGINAL, INFO = "original", "info"

_SLUG = "[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?"
_PATH = re.compile(
    rf"/v1/(pub|priv)/({_SLUG})/({_SLUG})/({_SLUG})/img/([0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{{25}})"
    r"/v([1-9][0-9]{0,5})/([A-Za-z0-9._~:,-]+)\.([a-z0-9]{1,10})",
    re.ASCII,
)


def parse_path(raw: str) -> Address:
    """The parts of a path as sent, without its query. Raises PathTooLong above 1,024 bytes, else InvalidPath."""
    if len(raw.encode("utf-8", "surrogateescape")) > MAX_PATH:
        raise PathTooLong(f"a path has at most {MAX_PATH} bytes")
    match = _PATH.fullmatch(raw)
    if match is None:
        raise InvalidPath(
            "a path is /v1/{pub|priv}/{organization}/{tenant}/{space}/img/{asset}/v{version}/{operations}.{ext}"
        )
    access, organization, tenant, space, asset, version, operations, ext = match.groups()
    if len(operations) > MAX_OPERATIONS:
        raise InvalidPath(f"the operations have at most {MAX_OPERATIONS} bytes", field="operations")
    if (ext == "json") != (operations == INFO):
        raise InvalidPath("json goes with info, and with nothing else", field="ext")
    return Address(cast(Access, access), organization, tenant, space, from_ulid(asset), int(version), operations, ext)


def parse_plan(address: Address, grammar: Grammar) -> Plan | None:
    """The plan an address asks for; None for `original` and `info`. Raises InvalidOperation."""
    if address.operations == INFO:
        return None
    if address.operations == ORIGINAL:
        grammar.original(address.ext)
        return None
    return grammar.parse(address.operations, address.ext)


def canonical_path(address: Address, plan: Plan | None, grammar: Grammar) -> str:
    """The one spelling of an address; what the edge keys on."""
    if plan is not None:
        tail = f"{plan.canonical}.{plan.ext}"
    elif address.operations == INFO:
        tail = "info.json"
    else:
        tail = f"{ORIGINAL}.{grammar.original(address.ext)}"
    head = f"/v1/{address.access}/{address.place}/img/{to_ulid(address.asset)}/v{address.version}"
    return f"{head}/{tail}"
