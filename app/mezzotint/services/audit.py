"""The audit log's readers: who looks something up in it, and who makes sure that nothing in it was changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from mezzotint.data import audit
from mezzotint.model.audit import Entry, Head, faults
from mezzotint.services.reach import find_level, reading

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.services.caller import Caller


@dataclass(frozen=True, slots=True)
class Verdict:
    """`faults`: what was done to the log, nothing when all is as it was written. `older` lines can't be judged."""

    lines: int
    older: int
    heads: tuple[Head, ...]
    faults: tuple[str, ...]


class Audit:
    """Shows and verifies the audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, caller: Caller, organization: str | None, tenant: str | None, *, before: int | None = None, limit: int
    ) -> list[Entry]:
        """The lines of a tenant or of an organization and its tenants, or all that are in reach; newest first.

        `before`: the last sequence of the page before. Raises NotFound.
        """
        with reading(self._database, caller) as tx:
            if organization is None:
                return audit.page(tx, before=before, limit=limit)
            scope = find_level(tx, caller, organization, tenant).scope
        with self._database.scoped(scope) as tx:
            return audit.page(tx, before=before, limit=limit)

    def verify(self, earlier: Iterable[Head] = ()) -> Verdict:
        """Go over all of it. `earlier`: heads of a verdict that was kept, to notice what is missing at the end."""
        heads: dict[UUID, Head] = {}
        lines = 0

        def counted(found: Iterable[Entry]) -> Iterator[Entry]:
            nonlocal lines
            for line in found:
                lines += 1
                heads[line.chain] = Head(line.chain, line.number or 0, line.mac or "")
                yield line

        with self._database.operator() as tx:
            wrong = list(faults(counted(audit.chains(tx)), tx.audit_key, earlier))
            older, late = audit.unchained(tx)
        if late:
            wrong.append(f"{late} lines came after the first chain and belong to none")
        return Verdict(lines, older, tuple(heads.values()), tuple(wrong))
