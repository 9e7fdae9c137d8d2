"""Better encodings: variants asked for often get smaller bytes of the same quality, found at leisure.

New bytes are a new object; then the variant's row says so; the old object goes when no cache remembers it any more.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from mezzotint.data import assets, policies, variants
from mezzotint.imaging.jobs import ENGINE, RenderJob
from mezzotint.model.errors import NotFound
from mezzotint.services import follow_up
from mezzotint.services.variants import key_of
from mezzotint.services.wants import content_of

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.imaging.client import Rendered, Renderers
    from mezzotint.model.asset import Asset
    from mezzotint.model.job import Job
    from mezzotint.model.variant import Variant
    from mezzotint.plugin_api import Storage
    from mezzotint.services.near import Near
    from mezzotint.services.variants import Variants
    from mezzotint.services.work import Payload

log = structlog.get_logger(__name__)

AT_ONCE = 100
MOST_PIXELS = 4_000_000
"""of a variant that is tried: larger ones would take minutes"""
OLD_OBJECT_SECONDS = 7200.0
"""for which the bytes before stay, longer than any cache remembers where a variant lies"""


class Encodings:
    """Improves variants of these `formats` that were asked for at least `accesses` times, each once."""

    def __init__(
        self, *, database: Database, stores: Mapping[str, Storage], variants: Variants, near: Near,
        renderers: Renderers, formats: Collection[str], accesses: int, deadline: float, store: str = "variants",
    ) -> None:  # fmt: skip
        self._database = database
        self._stores = stores
        self._variants = variants
        self._near = near
        self._renderers = renderers
        self._formats = formats
        self._accesses = accesses
        self._deadline = deadline
        self._store = store

    def find(self, _: Payload) -> Payload:
        """Ask for the improvement of those that are asked for most: a chore."""
        with self._database.operator() as tx:
            for variant_id, scope in variants.popular(tx, self._accesses, formats=self._formats, limit=AT_ONCE):
                follow_up.improve(tx, variant_id, scope)
        return {}

    def improve(self, job: Job) -> None:
        """Look for better bytes of one variant. Raises NotFound and what rendering raises."""
        scope = follow_up.scope_of(job)
        with self._database.scoped(scope) as tx:
            variant = variants.by_id(tx, UUID(job.payload["variant"]))
            if variant is None:
                raise NotFound
            asset = assets.get(tx, variant.asset_id, variant.version)
            if asset is None:
                raise NotFound
            policy = policies.resolved(tx, asset.owner)
        better = None
        if variant.recipe == ENGINE and variant.width * variant.height <= MOST_PIXELS:
            better = self._renderers.render(
                RenderJob(
                    source=self._near.original(asset),
                    operations=variant.operations,
                    ext=variant.format,
                    tenant=str(asset.tenant_id),
                    deadline=self._deadline,
                    max_pixels=policy.max_source_pixels or 0,
                    max_output_pixels=policy.max_output_pixels or 0,
                    content_hash=content_of(asset).content_hash,
                    background=True,
                    thorough=True,
                )
            )
        if better is not None and len(better.data) < variant.bytes:
            self._replace(asset, variant, better)
        else:
            with self._database.scoped(scope) as tx:
                variants.mark_improved(tx, variant.id)

    def _replace(self, asset: Asset, variant: Variant, better: Rendered) -> None:
        content_hash, size = hashlib.sha256(better.data).hexdigest(), len(better.data)
        key = key_of(asset.tenant_id, variant.identity, content_hash, variant.format)
        self._stores[self._store].put_if_absent(key, io.BytesIO(better.data), size=size, content_type=better.media_type)
        with self._database.scoped(asset.scope) as tx:
            if variants.replace(
                tx, variant.id, variant.key, bytes=size, content_hash=content_hash, store=self._store, key=key
            ):
                follow_up.discard(tx, variant.store, variant.key, delay=OLD_OBJECT_SECONDS)
            variants.mark_improved(tx, variant.id)
        self._variants.forget(variant)
        log.info("variant_improved", identity=variant.identity, before=variant.bytes, after=size)
