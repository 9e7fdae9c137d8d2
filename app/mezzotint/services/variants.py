"""Stored variants: found in memory, Redis or the registry, or made once, stored and recorded."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from mezzotint.data import assets, locks
from mezzotint.data import variants as rows
from mezzotint.imaging.client import RenderJob, VariantJob
from mezzotint.model.errors import Unavailable
from mezzotint.model.tenancy import Scope
from mezzotint.plugin_api import ObjectNotFound, Storage, StoreUnavailable
from mezzotint.services import follow_up
from mezzotint.services.flights import Flights
from mezzotint.services.recent import Recent
from mezzotint.services.wants import content_of

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.data.redis import Redis
    from mezzotint.data.variant_cache import VariantCache
    from mezzotint.imaging.client import Rendered, Renderers
    from mezzotint.model.variant import Variant
    from mezzotint.services.near import Near
    from mezzotint.services.wants import Wanted

log = structlog.get_logger(__name__)

REMEMBERED = 20_000
REMEMBERED_SECONDS = 300
LOCK_SECONDS = 3.0
"""How long a lock outlives the process that held it."""


@dataclass(frozen=True, slots=True)
class Made:
    """A picture that was made just now, and its row: None when it could not be recorded."""

    content_hash: str
    media_type: str
    data: bytes
    variant: Variant | None


class Variants:
    """Finds variants and makes the missing ones; one maker at a time for each, here and across processes.

    `deadline` is how many seconds a request may wait for one, `patience` how many one may take that nobody waits for.
    """

    def __init__(
        self, *, database: Database, cache: VariantCache, lock_nodes: Sequence[Redis], stores: Mapping[str, Storage],
        renderers: Renderers, near: Near, deadline: float, patience: float, store: str = "variants",
    ) -> None:  # fmt: skip
        self._database = database
        self._cache = cache
        self._lock_nodes = lock_nodes
        self._stores = stores
        self._store = store
        self._renderers = renderers
        self._near = near
        self._deadline = deadline
        self._patience = patience
        self._flights: Flights[Variant | Made] = Flights()
        self._remembered: Recent[tuple[UUID, str], Variant] = Recent(REMEMBERED, REMEMBERED_SECONDS)

    def obtain(self, wanted: Wanted) -> Variant | Made:
        """The stored variant, or a new picture. Raises what rendering raises, and Unavailable."""
        found = self._recall(wanted)
        if found is not None:
            return found
        until = self._end(wanted)
        if wanted.background:
            return self._find_or_make(wanted, until)  # without the lock, for which a request would have to wait
        return self._flights.run((wanted.asset.tenant_id, wanted.identity), lambda: self._make_once(wanted, until))

    def regain(self, wanted: Wanted, lost: Variant) -> Variant | Made:
        """The picture whose object is not where `lost` says: it is where its row says now, or it is made anew."""
        self.forget(lost)
        found = self._look_up(wanted)
        if found is not None and found.key != lost.key:
            return found
        return self._flights.run(
            (lost.tenant_id, lost.identity), lambda: self._make(wanted, self._end(wanted), lost=lost)
        )

    def forget(self, variant: Variant) -> None:
        """Drop what is remembered of a variant that is not what it was."""
        self._remembered.forget((variant.tenant_id, variant.identity))
        self._cache.forget(variant.tenant_id, variant.identity)

    def _end(self, wanted: Wanted) -> float:
        """The moment when whoever wants it waits no longer, all waiting included."""
        return time.monotonic() + (self._patience if wanted.background else self._deadline)

    def _make_once(self, wanted: Wanted, until: float) -> Variant | Made:
        tenant = wanted.asset.tenant_id
        self._renderers.check_room(str(tenant))
        # The lock saves work and guards nothing: without it two processes make the same picture and store one of them.
        left = until - time.monotonic()
        with locks.variant(self._lock_nodes, tenant, wanted.identity, wait=left, hold=LOCK_SECONDS):
            return self._find_or_make(wanted, until)

    def _find_or_make(self, wanted: Wanted, until: float) -> Variant | Made:
        try:
            found = self._look_up(wanted)
        except Unavailable as problem:
            # Whether it was ever made nobody can tell, but it can be made; stored without a row it would be an orphan.
            log.warning("variant_not_looked_up", identity=wanted.identity, problem=str(problem))
            return self._make(wanted, until, keep=False)
        return found if found is not None else self._make(wanted, until)

    def _make(self, wanted: Wanted, until: float, *, keep: bool = True, lost: Variant | None = None) -> Made:
        rendered, unaided = self._render(wanted, until)
        content_hash = hashlib.sha256(rendered.data).hexdigest()
        return Made(
            content_hash=content_hash,
            media_type=rendered.media_type,
            data=rendered.data,
            variant=self._keep(wanted, rendered, content_hash, lost, unaided=unaided) if keep else None,
        )

    def _render(self, wanted: Wanted, until: float) -> tuple[Rendered, bool]:
        """The picture, and whether it took the original itself. Raises what rendering raises, and Unavailable."""
        asset, content = wanted.asset, content_of(wanted.asset)
        upright = content.width, content.height
        job = VariantJob(
            operations=wanted.operations,
            ext=wanted.format,
            tenant=str(asset.tenant_id),
            deadline=self._patience if wanted.background else self._deadline,
            until=until,
            max_pixels=wanted.policy.max_source_pixels or 0,
            max_output_pixels=wanted.policy.max_output_pixels or 0,
            background=wanted.background,
            content_hash=content.content_hash,
            upright=upright if wanted.from_pixels else None,
            heavy=wanted.heavy,
        )
        if rendered := self._renderers.render_kept(job):
            return rendered, False
        if mezzanine := self._mezzanine(wanted, until):
            return self._renderers.render(RenderJob.of(job, mezzanine, upright)), False
        return self._renderers.render(RenderJob.of(job, self._near.original(asset, until))), True

    def _keep(
        self, wanted: Wanted, rendered: Rendered, content_hash: str, lost: Variant | None, *, unaided: bool
    ) -> Variant | None:
        """Store and record; a picture that can't be kept now is answered all the same and made again next time."""
        asset = wanted.asset
        key = key_of(asset.tenant_id, wanted.identity, content_hash, wanted.format)
        try:
            self._stores[self._store].put_if_absent(
                key, io.BytesIO(rendered.data), size=len(rendered.data), content_type=rendered.media_type
            )
            with self._database.scoped(Scope(asset.organization_id, asset.tenant_id)) as tx:
                variant = rows.record(
                    tx,
                    asset_id=asset.id,
                    version=asset.version.number,
                    identity=wanted.identity,
                    operations=wanted.operations,
                    recipe=wanted.recipe,
                    format=wanted.format,
                    media_type=rendered.media_type,
                    width=rendered.width,
                    height=rendered.height,
                    frames=rendered.frames,
                    bytes=len(rendered.data),
                    content_hash=content_hash,
                    store=self._store,
                    key=key,
                    processing_time_ms=rendered.elapsed_ms,
                    cpu_ms=rendered.cpu_ms,
                )
                if lost is not None and variant.key == lost.key != key:
                    again = rows.replace(
                        tx,
                        variant.id,
                        lost.key,
                        bytes=len(rendered.data),
                        content_hash=content_hash,
                        store=self._store,
                        key=key,
                    )
                    variant = again or variant
                if wanted.from_mezzanine and unaided:
                    follow_up.make_mezzanine(tx, asset)
        except (StoreUnavailable, Unavailable) as problem:
            log.warning("variant_not_kept", identity=wanted.identity, problem=str(problem))
            return None
        self._remember(variant)
        return variant

    def _mezzanine(self, wanted: Wanted, until: float) -> Path | None:
        if not wanted.from_mezzanine:
            return None
        asset = wanted.asset
        with suppress(ObjectNotFound, StoreUnavailable, Unavailable):
            mezzanine = asset.version.mezzanine
            if mezzanine is None:  # it may have been made since the asset was read
                with self._database.scoped(asset.scope) as tx:
                    fresh = assets.get(tx, asset.id, asset.version.number)
                mezzanine = fresh.version.mezzanine if fresh else None
            if mezzanine is not None:
                return self._near.path(mezzanine.store, mezzanine.key, until)
        return None

    def _recall(self, wanted: Wanted) -> Variant | None:
        """From memory or Redis: a variant that neither holds is most often a new one."""
        name = (wanted.asset.tenant_id, wanted.identity)
        found = self._remembered.get(name)
        if found is None:
            found = self._cache.get(*name)
            if found is not None:
                self._remembered.put(name, found)
        return found

    def _remember(self, variant: Variant) -> None:
        self._cache.put(variant)
        self._remembered.put((variant.tenant_id, variant.identity), variant)

    def _look_up(self, wanted: Wanted) -> Variant | None:
        """From the registry. Raises Unavailable."""
        with self._database.scoped(wanted.asset.scope) as tx:
            found = rows.get(tx, wanted.identity)
        if found is not None:
            self._remember(found)
        return found


def key_of(tenant_id: UUID, identity: str, content_hash: str, format: str) -> str:
    """Where such bytes of a variant are kept: named by what they are, so that no object is ever overwritten."""
    return f"{tenant_id}/{identity[:2]}/{identity}-{content_hash[:16]}.{format}"
