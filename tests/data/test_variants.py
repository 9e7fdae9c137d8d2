from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from mezzotint.data import variants
from mezzotint.model.identifiers import new_id
from mezzotint.model.variant import CacheTier
from tests.data.samples import ready_asset, variant


def test_a_variant_comes_back(database, place):
    with database.scoped(place.scope) as tx:
        made = variant(tx, ready_asset(tx, place))
        assert variants.get(tx, made.identity) == made
        assert variants.get(tx, "00" * 32) is None
    assert (made.access_count, made.last_accessed_at, made.cache_tier) == (0, None, CacheTier.HOT)
    assert (made.processing_time_ms, made.cpu_ms) == (12.5, 10.25)


def test_two_makers_at_once_get_one_row(database, place):
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)
    together = Barrier(6)

    def make(number):
        together.wait(10)
        with database.scoped(place.scope) as tx:
            return variant(tx, asset, key=f"variant/{number}")

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(make, range(6)))) == 1


def test_an_identity_is_the_tenants_own(database, settle):
    made = []
    for place in (settle(), settle()):
        with database.scoped(place.scope) as tx:
            made.append(variant(tx, ready_asset(tx, place)))
    assert made[0].identity == made[1].identity
    assert made[0].id != made[1].id


def test_accesses_are_counted_across_tenants(database, settle):
    places = settle(), settle()
    made = []
    for place in places:
        with database.scoped(place.scope) as tx:
            made.append(variant(tx, ready_asset(tx, place)))
    hits = {made[0].id: 3, made[1].id: 4, new_id(): 5}
    with database.operator() as tx:
        assert variants.touch(tx, hits) == 2
        assert variants.touch(tx, {made[0].id: 1}) == 1
    for place, count in zip(places, (4, 4), strict=True):
        with database.scoped(place.scope) as tx:
            touched = variants.get(tx, made[0].identity)
        assert touched.access_count == count
        assert touched.last_accessed_at is not None


def test_what_nobody_asks_for_cools_and_is_hot_again_when_asked_for(database, place):
    ages = {"hot": 6, "warm": 8, "cold": 31}
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)
        made = {tier: variant(tx, asset, operations=f"fmt_webp-w_{days}") for tier, days in ages.items()}
        for tier, days in ages.items():
            # One was asked for, the others were only made.
            column = "last_accessed_at" if tier == "warm" else "created_at"
            tx.run(
                f"UPDATE variants SET {column} = now() - make_interval(days => %(days)s) WHERE id = %(id)s",
                days=days,
                id=made[tier].id,
            )

    def settle(limit=100):
        with database.operator() as tx:
            return variants.settle_tiers(tx, warm_after=7 * 86_400, cold_after=30 * 86_400, limit=limit)

    def tiers():
        with database.scoped(place.scope) as tx:
            return {tier: variants.get(tx, one.identity).cache_tier for tier, one in made.items()}

    assert settle(limit=1) == 1
    settle()
    assert tiers() == {tier: CacheTier(tier) for tier in ages}
    assert settle() == 0
    with database.operator() as tx:
        variants.touch(tx, {made["cold"].id: 1})
    assert tiers()["cold"] is CacheTier.HOT
    assert settle() == 0


def test_a_variant_needs_a_version_that_exists(database, place):
    with pytest.raises(psycopg.errors.ForeignKeyViolation), database.scoped(place.scope) as tx:
        variant(tx, ready_asset(tx, place), version=2)
