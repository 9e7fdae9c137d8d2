"""Rows of variants in Redis, so that a miss at the edge rarely asks PostgreSQL. Redis away is a miss like any other."""

import json
import logging
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from redis import Redis, RedisError

from mezzotint.model.variant import CacheTier, Variant

log = logging.getLogger(__name__)


class VariantCache:
    """Keeps each variant for `seconds` after it was put."""

    def __init__(self, redis: Redis, *, seconds: int = 3600) -> None:
        self._redis = redis
        self._seconds = seconds

    def get(self, tenant_id: UUID, identity: str) -> Variant | None:
        try:
            text = self._redis.get(_key(tenant_id, identity))
        except RedisError as error:
            log.warning("variant not looked up in Redis: %s", error)
            return None
        try:
            return _read(str(text)) if text else None
        except (ValueError, TypeError, KeyError):
            # Written by another version of this program: as good as absent.
            return None

    def put(self, variant: Variant) -> None:
        # Not by asdict, which copies every value.
        text = json.dumps({field.name: getattr(variant, field.name) for field in fields(variant)}, default=str)
        try:
            self._redis.set(_key(variant.tenant_id, variant.identity), text, ex=self._seconds)
        except RedisError as error:
            log.warning("variant not kept in Redis: %s", error)

    def forget(self, tenant_id: UUID, identity: str) -> None:
        try:
            self._redis.delete(_key(tenant_id, identity))
        except RedisError as error:
            log.warning("variant not forgotten in Redis: %s", error)


def _key(tenant_id: UUID, identity: str) -> str:
    return f"mz:{{{tenant_id}}}:variant:{identity}"


def _read(text: str) -> Variant:
    values = json.loads(text)
    for name in ("id", "organization_id", "tenant_id", "asset_id"):
        values[name] = UUID(values[name])
    for name in ("created_at", "last_accessed_at", "improved_at"):
        values[name] = values[name] and datetime.fromisoformat(values[name])
    return Variant(**values | {"cache_tier": CacheTier(values["cache_tier"])})
