"""Mezzanines of large originals: made at ingest, or when the first variant that wants one finds none."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mezzotint.data import assets, policies
from mezzotint.imaging.client import MezzanineJob
from mezzotint.imaging.geometry import Size, wants_mezzanine
from mezzotint.model.asset import Asset, Mezzanine
from mezzotint.model.errors import NotFound
from mezzotint.services.follow_up import OfVersion
from mezzotint.services.wants import content_of

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.imaging.client import Renderers
    from mezzotint.model.job import Job
    from mezzotint.plugin_api import Storage
    from mezzotint.services.near import Near
    from mezzotint.services.wants import Wants


class Mezzanines:
    """Makes them. They lie beside the variants, since they can be made again."""

    def __init__(
        self, *, database: Database, stores: Mapping[str, Storage], near: Near, renderers: Renderers, wants: Wants,
        deadline: float, store: str = "variants",
    ) -> None:  # fmt: skip
        self._database = database
        self._stores = stores
        self._near = near
        self._renderers = renderers
        self._wants = wants
        self._deadline = deadline
        self._store = store

    def make(self, job: Job) -> None:
        """The mezzanine of one version, unless it is there or of no use. Raises NotFound and what imaging raises."""
        of = OfVersion.read(job)
        with self._database.scoped(of.scope) as tx:
            asset = assets.get(tx, of.asset_id, of.number)
            if asset is None:
                raise NotFound
            max_pixels = policies.resolved(tx, asset.owner).max_source_pixels or 0
        content = content_of(asset)
        large = wants_mezzanine(Size(content.width, content.height))
        if not (large and self._wants.has_mezzanine(content)) or self._is_there(asset):
            return
        source = self._near.original(asset)
        made = self._renderers.mezzanine(
            MezzanineJob(source, str(asset.tenant_id), self._deadline, max_pixels, content_hash=content.content_hash)
        )
        digest = hashlib.sha256(made.data).hexdigest()
        key = f"{asset.tenant_id}/mezzanines/{asset.id}-{digest[:16]}.{made.format}"
        size = len(made.data)
        self._stores[self._store].put_if_absent(key, io.BytesIO(made.data), size=size, content_type=made.media_type)
        with self._database.scoped(of.scope) as tx:
            if not assets.keep_mezzanine(tx, asset.id, of.number, Mezzanine(self._store, key, size)):
                raise NotFound

    def _is_there(self, asset: Asset) -> bool:
        mezzanine = asset.version.mezzanine
        return mezzanine is not None and self._stores[mezzanine.store].exists(mezzanine.key)
