"""The audit log's pen: every change writes its line in its own transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from mezzotint.data import audit
from mezzotint.data.postgres import Transaction
from mezzotint.services.caller import Caller


def record(
    tx: Transaction, caller: Caller, action: str, subject: str, *, organization_id: UUID | None = None, **detail: Any
) -> None:
    """Write that `caller` did `action` (noun.verb) to `subject`; `organization_id` where `tx` is the operator's."""
    audit.append(
        tx,
        actor=caller.actor,
        action=action,
        subject=subject,
        request_id=caller.request_id,
        detail=detail,
        organization_id=organization_id,
    )
