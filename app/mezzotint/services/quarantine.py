"""Keeps pictures that break renderers away from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog

from mezzotint.data import audit
from mezzotint.data import quarantine as rows
from mezzotint.data.postgres import Database
from mezzotint.imaging.client import BREAKDOWNS, InspectJob, MezzanineJob, RendererCrashed, VariantJob
from mezzotint.model.errors import MezzotintError, NotFound, PictureRefused, Unavailable
from mezzotint.model.quarantine import STRIKES, Quarantined
from mezzotint.services.caller import Caller
from mezzotint.services.recent import Recent

log = structlog.get_logger(__name__)

_ACTOR = "renderers"
_REMEMBERED = 10_000
_REMEMBERED_SECONDS = 5
"""for which a picture that is asked for in many sizes is looked up once"""


class Quarantine:
    """Counts renderers broken by the same bytes of a tenant; those of the second one are refused from then on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._free: Recent[tuple[UUID, str], bool] = Recent(_REMEMBERED, _REMEMBERED_SECONDS)

    @contextmanager
    def guard(self, job: VariantJob | MezzanineJob | InspectJob) -> Iterator[None]:
        """Around whatever renderers do. Raises PictureRefused at once for bytes that are in quarantine.

        Without the registry nobody is refused, and nothing is counted.
        """
        if job.content_hash is None:
            yield
            return
        tenant_id = UUID(job.tenant)
        name = tenant_id, job.content_hash
        if not self._free.get(name):
            with suppress(Unavailable), self._database.operator() as tx:
                if rows.holds(tx, *name):
                    raise PictureRefused("the picture broke its renderer again and again, and is in quarantine")
                self._free.put(name, value=True)
        try:
            yield
        except BREAKDOWNS as breakdown:
            if isinstance(job, VariantJob) and job.heavy and not isinstance(breakdown, RendererCrashed):
                raise  # it lacked time or memory; or whoever asks for much could have a healthy picture put away
            self._free.forget(name)
            with suppress(Unavailable):
                self._strike(tenant_id, job.content_hash, breakdown)
            raise

    def page(self) -> list[Quarantined]:
        """All that is in quarantine, the newest first."""
        with self._database.operator() as tx:
            return rows.all_of(tx)

    def release(self, caller: Caller, content_hash: str) -> int:
        """Try these bytes again wherever they are held, and say at how many tenants. Raises NotFound at none."""
        with self._database.operator() as tx:
            released = rows.release(tx, content_hash)
            for held in sorted(released, key=lambda held: held.tenant_id):  # chains are locked in one order
                audit.append(
                    tx,
                    actor=caller.actor,
                    action="quarantine.release",
                    subject=content_hash,
                    request_id=caller.request_id,
                    organization_id=held.organization_id,
                    tenant_id=held.tenant_id,
                )
        if not released:
            raise NotFound("no picture of these bytes is in quarantine")
        return len(released)

    def _strike(self, tenant_id: UUID, content_hash: str, breakdown: MezzotintError) -> None:
        with self._database.operator() as tx:
            struck = rows.strike(tx, tenant_id, content_hash, breakdown.detail)
            if struck is None:
                return
            if struck.strikes == STRIKES:
                audit.append(
                    tx,
                    actor=_ACTOR,
                    action="quarantine.add",
                    subject=content_hash,
                    detail={"reason": breakdown.detail},
                    organization_id=struck.organization_id,
                    tenant_id=tenant_id,
                )
        log.warning("picture_broke_renderer", sha256=content_hash, strikes=struck.strikes, reason=breakdown.detail)
