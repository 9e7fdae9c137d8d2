"""What the edge answered from its cache, read from its access log: the origin hears of misses alone.

Where it stopped is written down with the job; after a crash some lines may count twice. None is lost, but those that
came between the last look and a rotation.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import structlog

from mezzotint.data import assets, usage, variants
from mezzotint.model.identifiers import from_ulid

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from mezzotint.data.postgres import Database
    from mezzotint.services.work import Payload

log = structlog.get_logger(__name__)

AT_ONCE = 4 * 1024**2
_FROM_CACHE = frozenset({"HIT", "STALE", "UPDATING", "REVALIDATED"})


class EdgeLog:
    """Counts accesses of variants, and `requests` and `bytes` of spaces, from the log at `path`."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path

    def count(self, at: Payload) -> Payload:
        """Count what was logged since {"file", "offset"}: a chore.

        A log that was replaced, or emptied in its place, is read from the start.
        """
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                number, offset = status.st_ino, int(at.get("offset", 0))
                if at.get("file") != number or offset > status.st_size:
                    offset = 0
                file.seek(offset)
                data = file.read(AT_ONCE)
        except FileNotFoundError:
            return {}
        whole = data[: data.rfind(b"\n") + 1]
        self._write(whole.splitlines())
        return {"file": number, "offset": offset + len(whole), "wait": len(data) < AT_ONCE}

    def _write(self, lines: list[bytes]) -> None:
        hits: Counter[UUID] = Counter()
        requests: Counter[UUID] = Counter()
        sent: Counter[UUID] = Counter()
        for asset, variant, size in _answered(lines):
            requests[asset] += 1
            sent[asset] += size
            if variant is not None:
                hits[variant] += 1
        if not requests:
            return
        with self._database.operator() as tx:
            variants.touch(tx, hits)
            places = assets.places(tx, list(requests))
        totals: dict[Any, Counter[str]] = {}
        for asset, place in places.items():
            totals.setdefault(place, Counter()).update(requests=requests[asset], bytes=sent[asset])
        for (scope, space_id), amounts in totals.items():
            with self._database.scoped(scope) as tx:
                for metric, amount in amounts.items():
                    usage.add(tx, space_id, metric, amount)


def _answered(lines: list[bytes]) -> Iterator[tuple[UUID, UUID | None, int]]:
    """Asset, variant and bytes of each answer from the cache."""
    for line in lines:
        try:
            entry = json.loads(line)
            if entry["cache"] in _FROM_CACHE and entry["asset"]:
                yield (
                    from_ulid(entry["asset"]),
                    from_ulid(entry["variant"]) if entry["variant"] else None,
                    entry["bytes"],
                )
        except (ValueError, KeyError, TypeError):
            log.warning("log_line_not_read", line=line[:200].decode(errors="replace"))
