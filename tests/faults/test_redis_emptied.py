"""Redis emptied, or back with older data: everyone reads again, and nothing that was taken away returns."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import redis

from tests.faults.load import GOOD, Load
from tests.faults.shop import Shop
from tests.journeys.waiting import until

_numbers = itertools.count(7000)


@dataclass
class Before:
    """URLs as they stood before: all answered, all cached by the edge and in the origin's memory."""

    kept: str
    signed: str
    deleted: str
    invalidated: str
    revoked: str
    asset: str
    gone: str
    kid: str


@pytest.fixture
def store(shop: Shop) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(shop.settings["redis"]["url"], decode_responses=True)) as client:
        yield client


@pytest.fixture
def before(shop: Shop) -> Before:
    home, one, other = shop.home, shop.asset(seed=next(_numbers)), shop.asset(seed=next(_numbers))
    signed = home.sign(home.url(one, "w_81.jpg", "priv"))
    made = home.post("/v1/signing-keys", home.owner)
    assert made.status_code == 201
    kid = made.json()["kid"]
    urls = Before(
        kept=home.url(one, "w_80.jpg"),
        signed=signed,
        deleted=home.url(other, "w_82.jpg"),
        invalidated=home.url(one, "w_83.jpg"),
        revoked=home.sign(home.url(one, "w_90.jpg", "priv")),
        asset=one["id"],
        gone=other["id"],
        kid=kid,
    )
    assert f"kid={kid}" in urls.revoked
    assert f"kid={kid}" not in urls.signed
    for url in (urls.kept, urls.signed, urls.deleted, urls.invalidated, urls.revoked):
        until(lambda url=url: shop.get(url).headers["X-Cache"] == "HIT")
    return urls


def take_away(shop: Shop, before: Before) -> None:
    base, control = shop.base_url, shop.home.stack.control
    assert control.delete(f"{base}/v1/assets/{before.gone}").status_code == 204
    assert shop.home.post(f"/v1/assets/{before.asset}/invalidate").status_code == 200
    assert shop.home.post(f"/v1/signing-keys/{before.kid}/revoke").status_code == 200
    until(lambda: shop.get(before.deleted).status_code == 404)
    until(lambda: shop.get(before.revoked).status_code == 401)


def emptied(shop: Shop, store: redis.Redis, before: Before) -> None:
    take_away(shop, before)
    store.flushall()


def restored(shop: Shop, store: redis.Redis, before: Before) -> None:
    """It restarts with the file that it wrote before anything was taken away."""
    store.save()
    take_away(shop, before)
    shop.killed("redis", [shop.pid("redis")])
    dump = shop.installation.folder / "dump.rdb"
    assert dump.exists()
    dump.unlink()


@pytest.mark.parametrize("lose", [emptied, restored])
def test_nothing_that_was_taken_away_returns(
    shop: Shop, store: redis.Redis, before: Before, lose: Callable[[Shop, redis.Redis, Before], None]
):
    epoch = store.get("mz:epoch")
    lose(shop, store, before)
    # Meanwhile and afterwards: never an old answer, at the edge or at the origin.
    assert shop.get(before.deleted).status_code == 404
    assert shop.origin(before.deleted).status == 404
    assert shop.get(before.revoked).status_code == 401
    until(lambda: (now := store.get("mz:epoch")) and now != epoch and shop.edge_epoch() == now)
    for _ in range(4):
        assert shop.get(before.deleted).status_code == 404
        assert shop.origin(before.deleted).status == 404
        assert shop.get(before.revoked).status_code == 401
        assert shop.origin(before.revoked).status == 401
        assert shop.get(before.kept).status_code == 200
        assert shop.get(before.signed).status_code == 200
    assert shop.get(before.kept).headers["X-Cache"] == "HIT"


def test_emptied_again_and_again_under_load_nobody_notices(shop: Shop, store: redis.Redis):
    with Load(shop, start=7500, crowd=2) as load:
        for _ in range(3):
            load.goes_on()
            before = {None, shop.edge_epoch()}
            store.flushall()
            until(lambda before=before: shop.edge_epoch() not in before)
        load.goes_on()
    assert {kind: set(load.ends(kind)) for kind in GOOD} == {kind: {good} for kind, good in GOOD.items()}
    assert load.lost() == []
