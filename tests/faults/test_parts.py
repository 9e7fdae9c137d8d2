"""Parts away, hung or slow: what is cached goes out, what needs them not is answered, the rest names them."""

import itertools
from contextlib import AbstractContextManager, ExitStack

import pytest

from mezzotint.model.identifiers import from_ulid
from tests.faults.asked import Asked, as_without, unavailable, until_told_of
from tests.faults.shop import Shop

READ = {"stored", "fresh", "far"}
"""what needs an object"""


@pytest.mark.parametrize(
    ("part", "how"),
    [*itertools.product(("redis", "postgres", "renderers"), ("away", "hung")), ("store", "away")],
)
def test_without_a_part_all_that_can_be_answered_is(shop: Shop, asked: Asked, part: str, how: str):
    without: AbstractContextManager[None]
    without = shop.store_away() if part == "store" else getattr(shop, how)(part)
    with without:
        as_without(part, asked)
        # Told of, and found out: the breaker opens, and what it lets through does not close it.
        until_told_of(part, shop)
        as_without(part, asked)
    shop.healed()
    asked.until_well()


def test_a_slow_database_is_waited_for_no_longer_than_it_is_worth(shop: Shop, asked: Asked):
    with shop.database() as admin, admin.transaction():
        admin.execute("LOCK TABLE assets, asset_versions, variants IN ACCESS EXCLUSIVE MODE")
        as_without("postgres", asked)
    shop.healed()
    asked.until_well()


def test_a_disk_that_hangs_is_waited_for_no_longer_than_it_is_worth(shop: Shop, asked: Asked):
    with shop.database() as admin:
        silent = admin.execute(
            """SELECT store, key FROM variants WHERE asset_id = %(id)s
            UNION SELECT store, key FROM asset_versions WHERE asset_id IN (%(id)s, %(far)s)""",
            {"id": from_ulid(asked.asset["id"]), "far": from_ulid(asked.far["id"])},
        ).fetchall()
    with ExitStack() as stack:
        for store, key in silent:
            stack.enter_context(shop.silent(store, key))
        for kind, said in asked.everything():
            # An upload is looked at once more, and may meet the breaker there.
            assert unavailable("store")(said) if kind in READ else said == "answered" or kind == "upload", (kind, said)
    shop.healed()
    asked.until_well()


def test_a_picture_that_could_not_be_recorded_is_made_again_and_then_kept(shop: Shop, asked: Asked):
    fresh = asked.fresh()
    with shop.away("postgres"):
        unrecorded = shop.origin(fresh)
    shop.healed()
    recorded = shop.origin(fresh)
    assert (unrecorded.status, recorded.status) == (200, 200)
    assert unrecorded.body == recorded.body
    assert "X-Mezzotint-Variant" not in unrecorded.headers
    assert shop.origin(fresh).headers["X-Mezzotint-Variant"] == recorded.headers["X-Mezzotint-Variant"]
