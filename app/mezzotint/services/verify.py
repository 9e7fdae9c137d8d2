"""The verdict on a signed URL: pure, and the same at the edge and here."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Literal

from mezzotint.model.address import Address
from mezzotint.model.errors import BadRequest, SignatureExpired, SignatureInvalid, SignatureRequired
from mezzotint.services.links import signature

TOLERANCE = 60
"""Seconds by which a client's clock may run ahead when its `exp` is held against the key's longest lifetime."""

ARGUMENTS = ("sig", "exp", "kid", "download")
_EXPIRY = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The query arguments that mean something, undecoded; None when missing."""

    sig: str | None = None
    exp: str | None = None
    kid: str | None = None
    download: str | None = None


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A signing key as a verifier needs it; `tenant` is `*` for all of the organization, times are Unix seconds."""

    organization: str
    tenant: str
    status: Literal["active", "grace", "revoked"]
    grace_until: int | None
    max_lifetime: int
    secret: bytes

    def verifies(self, address: Address, now: int) -> bool:
        """Whether this key may speak for the address's tenant now."""
        if self.organization != address.organization or self.tenant not in ("*", address.tenant):
            return False
        if self.status == "grace":
            return self.grace_until is not None and now < self.grace_until
        return self.status == "active"


def read_arguments(query: str) -> Arguments:
    """The arguments of a raw query string. Raises BadRequest when one of ours is given twice.

    nginx reads names without regard to case, so two spellings of one name count as that name given twice.
    """
    given: dict[str, str] = {}
    seen: set[str] = set()
    for pair in query.split("&"):
        name, separator, value = pair.partition("=")
        known = name.lower()
        if known in ARGUMENTS and separator:
            if known in seen:
                raise BadRequest(f"{known} is given twice", field=known)
            seen.add(known)
            if name == known:
                given[name] = value
    return Arguments(**given)


def verify(path: str, host: str, address: Address, arguments: Arguments, key: VerifyingKey | None, now: int) -> int:
    """Until when (Unix seconds) the signed URL is good.

    `path` as sent, `host` in lower case without port. Raises SignatureRequired, SignatureInvalid (one message for
    all that is wrong, so nothing is learned from it) or SignatureExpired (only for what was once right).
    """
    sig, exp, kid = arguments.sig, arguments.exp, arguments.kid
    if sig is None or exp is None or kid is None:
        raise SignatureRequired("a private URL carries sig, exp and kid")
    if key is None or not key.verifies(address, now) or not _EXPIRY.fullmatch(exp):
        raise SignatureInvalid
    until = int(exp)
    right = signature(key.secret, path, until, host, address.organization, address.tenant)
    if not hmac.compare_digest(right.encode(), sig.encode("utf-8", "surrogateescape")):
        raise SignatureInvalid
    if until > now + key.max_lifetime + TOLERANCE:
        raise SignatureInvalid
    if now > until:
        raise SignatureExpired
    return until
