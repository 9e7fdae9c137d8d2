from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mezzotint.data.redis import connect
from mezzotint.data.variant_cache import VariantCache
from mezzotint.model.identifiers import new_id
from mezzotint.model.variant import CacheTier, Variant

VARIANT = Variant(
    id=new_id(),
    organization_id=new_id(),
    tenant_id=new_id(),
    asset_id=new_id(),
    version=1,
    identity="ab" * 32,
    operations="fmt_webp-w_100-q_85",
    recipe="0",
    format="webp",
    media_type="image/webp",
    width=100,
    height=75,
    frames=1,
    bytes=999,
    content_hash="cd" * 32,
    store="variants",
    key="variant/1",
    processing_time_ms=12.5,
    cpu_ms=10.25,
    created_at=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    cache_tier=CacheTier.WARM,
)


@pytest.mark.parametrize("accessed", [None, datetime(2026, 5, 6, tzinfo=UTC)])
def test_a_variant_comes_back(client, accessed):
    cache, variant = VariantCache(client), replace(VARIANT, last_accessed_at=accessed)
    assert cache.get(variant.tenant_id, variant.identity) is None
    cache.put(variant)
    assert cache.get(variant.tenant_id, variant.identity) == variant
    assert cache.get(new_id(), variant.identity) is None
    cache.forget(variant.tenant_id, variant.identity)
    assert cache.get(variant.tenant_id, variant.identity) is None


def test_nothing_is_kept_for_ever(client):
    VariantCache(client, seconds=60).put(VARIANT)
    (key,) = client.keys("*")
    assert 0 < client.ttl(key) <= 60


@pytest.mark.parametrize("text", ["{}", "no json", '{"id": "1"}', "[]"])
def test_what_another_version_wrote_is_a_miss(client, text):
    cache = VariantCache(client)
    cache.put(VARIANT)
    (key,) = client.keys("*")
    client.set(key, text)
    assert cache.get(VARIANT.tenant_id, VARIANT.identity) is None


def test_redis_away_is_a_miss(tmp_path):
    with connect(f"unix://{tmp_path}/nothing", timeout=0.1) as away:
        cache = VariantCache(away)
        cache.put(VARIANT)
        cache.forget(VARIANT.tenant_id, VARIANT.identity)
        assert cache.get(VARIANT.tenant_id, VARIANT.identity) is None
