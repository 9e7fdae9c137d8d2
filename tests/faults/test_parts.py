"""Parts away, hung or slow: what is cached goes out, what needs them not is answered, the rest names them."""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.shop import Shop
from tests.journeys.waiting import until

_numbers = itertools.count(1)


@dataclass
class Asked:
    """One of each kind of request, prepared while all was well."""

    shop: Shop
    asset: dict[str, Any]
    hit: str
    signed_hit: str
    stored: str

    def fresh(self) -> str:
        """A variant that was never asked for."""
        return self.shop.home.url(self.asset, f"w_{next(_numbers) + 200}.jpg")

    def until_well(self) -> None:
        """Each of the origin's processes has breakers of its own; all close in the end."""
        until(lambda: set.union(*self._kinds().values()) == {"answered"})

    def everything(self) -> list[tuple[str, str]]:
        """How each kind was answered each time: `answered`, or the problem's code and detail."""
        return [(kind, said) for kind, outcomes in self._kinds().items() for said in outcomes]

    def _kinds(self) -> dict[str, set[str]]:
        shop = self.shop
        hits = [shop.get(url) for url in (self.hit, self.signed_hit)]
        answers = {
            "hits": {(answer.status_code, answer.headers["X-Cache"]) for answer in hits},
            # Often enough to meet each of the origin's processes, whatever they have in memory.
            "stored": {outcome(shop.origin(self.stored)) for _ in range(6)},
            "info": {outcome(shop.origin(shop.home.url(self.asset, "info.json"))) for _ in range(2)},
            "fresh": {outcome(shop.origin(self.fresh())) for _ in range(2)},
            "upload": {outcome(shop.upload(seed=1000 + next(_numbers)))},
        }
        assert answers.pop("hits") == {(200, "HIT")}
        assert shop.get("/livez").status_code == 200
        return answers


def outcome(answer: Any) -> str:
    status = getattr(answer, "status", None) or answer.status_code
    if status < 400:
        return "answered"
    document = answer.document if hasattr(answer, "document") else answer.json()
    assert status == 503, document
    assert answer.headers["Retry-After"]
    return f"{document['code']}: {document['detail']}"


@pytest.fixture
def asked(shop: Shop) -> Asked:
    asset = shop.asset(seed=500 + next(_numbers))
    hit, stored = shop.home.url(asset, "w_50.jpg"), shop.home.url(asset, "w_51.jpg")
    signed = shop.home.sign(shop.home.url(asset, "w_52.jpg", "priv"))
    for url in (hit, signed) * 2:
        assert shop.get(url).status_code == 200
    assert shop.origin(stored).status == 200
    return Asked(shop, asset, hit, signed, stored)


def unavailable(part: str) -> Callable[[str], bool]:
    return lambda said: said.startswith("unavailable: ") and part in said


def answered(said: str) -> bool:
    return said == "answered"


# What each kind of request comes to without the part.
WITHOUT: dict[str, dict[str, Callable[[str], bool]]] = {
    "redis": {},
    "postgres": {"upload": unavailable("database")},
    "renderers": {"fresh": unavailable("renderers"), "upload": unavailable("renderers")},
    "store": {kind: unavailable("store") for kind in ("stored", "fresh", "upload")},
}
CHECKS = {"redis": ["redis"], "postgres": ["database"], "renderers": ["renderers"]}
CHECKS["store"] = ["store:originals", "store:variants"]


@pytest.mark.parametrize(
    ("part", "how"),
    [*itertools.product(("redis", "postgres", "renderers"), ("away", "hung")), ("store", "away")],
)
def test_without_a_part_all_that_can_be_answered_is(shop: Shop, asked: Asked, part: str, how: str):
    without: AbstractContextManager[None]
    without = shop.store_away() if part == "store" else getattr(shop, how)(part)
    with without:
        for kind, said in asked.everything():
            expected = WITHOUT[part].get(kind, answered)
            assert expected(said), (kind, said)

        # Told of, and found out: the breaker opens, and what it lets through does not close it.
        def told() -> bool:
            parts = shop.parts()
            for name in CHECKS[part]:
                assert not parts[name]["ok"]
            return all(parts[name]["breaker"] != "closed" for name in CHECKS[part])

        until(told)
        assert shop.get("/readyz").status_code == 503
        others = {name: found["ok"] for name, found in shop.parts().items() if name not in CHECKS[part]}
        assert all(others.values()), others
        for kind, said in asked.everything():
            assert WITHOUT[part].get(kind, answered)(said), (kind, said)
    shop.healed()
    asked.until_well()


def test_a_slow_database_is_waited_for_no_longer_than_it_is_worth(shop: Shop, asked: Asked):
    with shop.database() as admin, admin.transaction():
        admin.execute("LOCK TABLE assets, asset_versions, variants IN ACCESS EXCLUSIVE MODE")
        for kind, said in asked.everything():
            assert WITHOUT["postgres"].get(kind, answered)(said), (kind, said)
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
    assert "X-Mezzotint-Variant" in recorded.headers
    with shop.database() as admin:
        (known,) = admin.execute(
            "SELECT count(*) FROM variants WHERE asset_id = (SELECT id FROM assets ORDER BY created_at DESC LIMIT 1)"
        ).fetchone()
    assert known >= 1
