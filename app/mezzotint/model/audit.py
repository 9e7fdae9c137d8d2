"""Who did what, when, in chains: each line proves itself and the line before it."""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

OPERATOR = UUID(int=0)
"""The chain of what belongs to no organization."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log; it never holds a secret.

    `actor` is an API key's ULID or "cli", `action` reads noun.verb ("asset.delete"), `subject` names what
    it acted on. `number` counts from 1 in its chain and `mac` is what it was sealed with; None for a line that is
    older than the chains.
    """

    sequence: int
    at: datetime
    organization_id: UUID | None
    tenant_id: UUID | None
    actor: str
    action: str
    subject: str
    request_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = None
    mac: str | None = None

    @property
    def chain(self) -> UUID:
        """The chain that it is a link of: its tenant's, else its organization's, else the operator's."""
        return self.tenant_id or self.organization_id or OPERATOR

    def seal(self, key: bytes, before: str) -> str:
        """The mac that this line should have behind the one whose mac is `before`: HMAC-SHA256, hex."""
        owners = (owner and str(owner) for owner in (self.organization_id, self.tenant_id))
        moment = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        said = (self.actor, self.action, self.subject, self.request_id, self.detail)
        text = json.dumps([before, self.number, moment, *owners, *said], sort_keys=True, separators=(",", ":"))
        return hmac.digest(key, text.encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain reached at some moment: its last line."""

    chain: UUID
    number: int
    mac: str


def faults(lines: Iterable[Entry], key: bytes, earlier: Iterable[Head] = ()) -> Iterator[str]:
    """What was done to the `lines`, which come chain by chain and in order; nothing when they are as they were written.

    `earlier`: heads that were seen once. Without them, lines cut off a chain's end are not missed.
    """
    promised = {(head.chain, head.number): head.mac for head in earlier}
    chain, due, before = None, 1, ""
    for line in lines:
        if line.chain != chain:
            chain, due, before = line.chain, 1, ""
        number, mac = line.number or 0, line.mac or ""
        name = f"line {number} of {chain} (sequence {line.sequence})"
        if promised.pop((line.chain, number), mac) != mac:
            yield f"{name} is another than it was"
        if number < due:
            yield f"{name} is there twice"
            continue
        if number > due:  # what it proves can't be told without the line before it
            yield f"before {name}, {number - due} are missing"
        elif not hmac.compare_digest(mac, line.seal(key, before)):
            yield f"{name} is not what was written"
        due, before = number + 1, mac
    for chain, number in promised:
        yield f"line {number} of {chain} is gone, with all that followed it"
