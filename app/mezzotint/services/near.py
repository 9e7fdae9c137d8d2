"""Stored objects as files of this machine, which decoders want."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from mezzotint.model.errors import NotFound, Unavailable
from mezzotint.plugin_api import ObjectNotFound, Storage, StoreUnavailable

if TYPE_CHECKING:
    from mezzotint.imaging.sources import Sources
    from mezzotint.model.asset import Asset

log = structlog.get_logger(__name__)


class Near:
    """Finds objects that lie here anyway, and brings the others, by the moment `until` as time.monotonic() counts."""

    def __init__(self, stores: Mapping[str, Storage], sources: Sources) -> None:
        self._stores = stores
        self._sources = sources

    def path(self, store: str, key: str, until: float = math.inf) -> Path:
        """The object as a file. Raises ObjectNotFound, StoreUnavailable."""
        return self._stores[store].local_path(key) or self._sources.get(store, key, self._stores[store], until)

    def original(self, asset: Asset, until: float = math.inf) -> Path:
        """The original of an asset's version as a file. Raises NotFound, Unavailable."""
        try:
            return self.path(asset.version.store, asset.version.key, until)
        except ObjectNotFound:
            log.warning("original_missing", asset=str(asset.id), key=asset.version.key)
            raise NotFound from None
        except StoreUnavailable as problem:
            raise Unavailable("store") from problem
