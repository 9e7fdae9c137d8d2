"""What a crash in the middle of an upload leaves: a pending row, perhaps its object, perhaps a spooled file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import structlog

from mezzotint.data import assets
from mezzotint.model.errors import MezzotintError, NotFound, PictureRefused, UnsupportedType, UploadTooLarge
from mezzotint.plugin_api import ObjectNotFound, StoreUnavailable
from mezzotint.services.spool import Received

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezzotint.data.assets import Unfinished
    from mezzotint.data.postgres import Database
    from mezzotint.imaging.sources import Sources
    from mezzotint.services.ingest import Ingest
    from mezzotint.services.near import Near
    from mezzotint.services.spool import Spool
    from mezzotint.services.work import Payload

log = structlog.get_logger(__name__)


class Reaper:
    """Finishes uploads that began more than `older` seconds ago: whole ones are promoted, the others taken back.

    `copies` are what else lies in the spool for a while.
    """

    def __init__(
        self, *, database: Database, near: Near, ingest: Ingest, spool: Spool, copies: Sequence[Sources], older: float
    ) -> None:
        self._database = database
        self._near = near
        self._ingest = ingest
        self._spool = spool
        self._copies = copies
        self._older = older

    def reap(self, _: Payload) -> Payload:
        """Settle what was left: a chore. Raises Unavailable."""
        self._spool.clear()
        for copies in self._copies:
            copies.tidy()
        with self._database.operator() as tx:
            left = assets.unfinished(tx, self._older)
        for one in left:
            try:
                self._settle(one)
            except (MezzotintError, StoreUnavailable) as problem:
                log.warning("not_settled", asset=str(one.asset_id), version=one.number, problem=str(problem))
        return {}

    def _settle(self, left: Unfinished) -> None:
        received = None if left.deleted else self._arrived(left)
        if received is None:
            self._ingest.give_up(left, "its bytes never arrived whole")
            return
        try:
            self._ingest.adopt(left, received)
        except (NotFound, PictureRefused, UnsupportedType, UploadTooLarge) as problem:
            self._ingest.give_up(left, problem.detail)
        else:
            log.info("upload_promoted", asset=str(left.asset_id), version=left.number)

    def _arrived(self, left: Unfinished) -> Received | None:
        """The object, when it is what was announced. Raises StoreUnavailable."""
        try:
            path = self._near.path(left.store, left.key)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except (ObjectNotFound, FileNotFoundError):
            return None
        return Received(path, path.stat().st_size, digest) if digest == left.content_hash else None
