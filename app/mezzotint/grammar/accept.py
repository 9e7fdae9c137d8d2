"""The accept class of a client: which of the negotiated formats its Accept header names."""

from __future__ import annotations

from typing import Literal

AcceptClass = Literal["avif", "webp", "base"]


def accept_class(header: str | None) -> AcceptClass:
    """`avif` when image/avif has a weight above 0, else `webp` likewise, else `base`. Wildcards name nothing."""
    named = {media_type for media_type, weight in map(_entry, (header or "").split(",")) if weight > 0}
    if "image/avif" in named:
        return "avif"
    return "webp" if "image/webp" in named else "base"


def _entry(text: str) -> tuple[str, int]:
    media_type, *parameters = (part.strip(" \t") for part in text.split(";"))
    for parameter in parameters:
        name, separator, value = parameter.partition("=")
        if separator and name.lower() == "q":
            return media_type.lower(), _weight(value)
    return media_type.lower(), 1


def _weight(text: str) -> int:
    # Only whether it is above 0 counts, so digits are looked at and nothing is computed.
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    return int(digits.isascii() and digits.isdecimal() and digits.strip("0") != "")
