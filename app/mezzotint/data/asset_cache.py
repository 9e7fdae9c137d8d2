"""Assets in Redis for delivery, which goes on without PostgreSQL then. Redis away is a miss like any other."""

import logging
from collections.abc import Sequence
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from redis import Redis, RedisError

from mezzotint.model.asset import Asset
from mezzotint.model.identifiers import to_ulid

log = logging.getLogger(__name__)

_ASSET = TypeAdapter(Asset)


class AssetCache:
    """Keeps each asset, at one version, for `seconds` after it was put.

    The generations that stood when it was read are part of its name: one that was deleted, changed or invalidated
    since is out of reach. They are those of the scopes down to the asset.
    """

    def __init__(self, redis: Redis, *, seconds: int = 3600) -> None:
        self._redis = redis
        self._seconds = seconds

    def get(self, tenant_id: UUID, asset_id: UUID, version: int, generations: Sequence[int]) -> Asset | None:
        try:
            text = self._redis.get(_key(tenant_id, asset_id, version, generations))
        except RedisError as error:
            log.warning("asset not looked up in Redis: %s", error)
            return None
        try:
            return _ASSET.validate_json(str(text)) if text else None
        except ValidationError:
            # Written by another version of this program: as good as absent.
            return None

    def put(self, asset: Asset, generations: Sequence[int]) -> None:
        name = _key(asset.tenant_id, asset.id, asset.version.number, generations)
        try:
            self._redis.set(name, _ASSET.dump_json(asset), ex=self._seconds)
        except RedisError as error:
            log.warning("asset not kept in Redis: %s", error)


def _key(tenant_id: UUID, asset_id: UUID, version: int, generations: Sequence[int]) -> str:
    return f"mz:{{{tenant_id}}}:asset:{to_ulid(asset_id)}:{version}:{'.'.join(map(str, generations))}"
