"""Who is next: jobs wait in a bounded queue, and tenants take turns."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Job = TypeVar("Job")


class FairQueue(Generic[Job]):
    """First come, first served within a tenant; round robin between tenants, however much one of them wants."""

    def __init__(self, most: int, most_per_tenant: int) -> None:
        self._most = most
        self._most_per_tenant = most_per_tenant
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def push(self, tenant: str, job: Job) -> bool:
        """Let `job` wait; False when there is no room for it."""
        if self._size >= self._most or self.is_full_of(tenant):
            return False
        self._waiting.setdefault(tenant, deque()).append(job)
        self._size += 1
        return True

    def is_full_of(self, tenant: str) -> bool:
        """Whether as many jobs of this tenant wait as may."""
        return len(self._waiting.get(tenant, ())) >= self._most_per_tenant

    def pop(self) -> Job | None:
        """The next job; its tenant goes to the end of the round."""
        if not self._waiting:
            return None
        tenant, line = next(iter(self._waiting.items()))
        job = line.popleft()
        self._size -= 1
        if line:
            self._waiting.move_to_end(tenant)
        else:
            del self._waiting[tenant]
        return job

    def remove(self, tenant: str, job: Job) -> None:
        """Let `job` wait no longer, if it does."""
        line = self._waiting.get(tenant)
        if line is None or job not in line:
            return
        line.remove(job)
        self._size -= 1
        if not line:
            del self._waiting[tenant]
