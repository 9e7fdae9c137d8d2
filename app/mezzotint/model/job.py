"""Work written down in the same transaction as the change that asks for it (an outbox)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class JobState(StrEnum):
    """A finished job leaves no row."""

    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work, not before `run_at`. It may run more than once: doing it twice must do no harm."""

    id: UUID
    organization_id: UUID | None
    tenant_id: UUID | None
    kind: str
    payload: Mapping[str, Any]
    state: JobState
    attempts: int
    run_at: datetime
    created_at: datetime
    error: str | None = None
