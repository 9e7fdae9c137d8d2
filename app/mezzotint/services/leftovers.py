"""What writes to stores leave when their process is killed: staged files, parts of objects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from mezzotint.plugin_api import StoreUnavailable

if TYPE_CHECKING:
    from mezzotint.plugin_api import Storage
    from mezzotint.services.work import Payload

log = structlog.get_logger(__name__)

AFTER = timedelta(days=1)


class Leftovers:
    """Has every store take away what was begun more than a day ago and never ended."""

    def __init__(self, stores: Mapping[str, Storage]) -> None:
        self._stores = stores

    def sweep(self, _: Payload) -> Payload:
        """A chore. A store that is away waits for the next time."""
        for name, storage in self._stores.items():
            try:
                swept = storage.sweep(datetime.now(UTC) - AFTER)
            except StoreUnavailable as problem:
                log.warning("leftovers_not_swept", store=name, problem=str(problem))
            else:
                if swept:
                    log.warning("leftovers_swept", store=name, count=swept)
        return {}
