"""One of each kind of request, and what each comes to while a part is missing."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from tests.faults.shop import Shop
from tests.journeys.waiting import until

_numbers = itertools.count(1)


@dataclass
class Asked:
    """The requests, prepared while all was well."""

    shop: Shop
    asset: dict[str, Any]
    far: dict[str, Any]
    """whose facts are known, and whose original was never brought near"""
    hit: str
    signed_hit: str
    stored: str

    @classmethod
    def of(cls, shop: Shop) -> Self:
        asset, far = (shop.asset(seed=500 + next(_numbers)) for _ in range(2))
        hit, stored = shop.home.url(asset, "w_50.jpg"), shop.home.url(asset, "w_51.jpg")
        signed = shop.home.sign(shop.home.url(asset, "w_52.jpg", "priv"))
        for url in (hit, signed) * 2:
            assert shop.get(url).status_code == 200
        for url in (stored, shop.home.url(far, "info.json")):
            assert shop.origin(url).status == 200
        return cls(shop, asset, far, hit, signed, stored)

    def fresh(self, asset: dict[str, Any] | None = None) -> str:
        """A variant that was never asked for."""
        return self.shop.home.url(asset or self.asset, f"w_{next(_numbers) + 200}.jpg")

    def everything(self) -> list[tuple[str, str]]:
        """How each kind was answered each time: `answered`, or the problem's code and detail."""
        return [(kind, said) for kind, outcomes in self._kinds().items() for said in outcomes]

    def until_well(self) -> None:
        until(lambda: all(said == "answered" for _, said in self.everything()))

    def _kinds(self) -> dict[str, set[str]]:
        """All at once, so that one that waits shows what it keeps from others; hits go out meanwhile."""
        shop = self.shop
        asks: dict[str, list[Callable[[], Any]]] = {
            # Often enough to meet each of the origin's processes, whatever they have in memory.
            "stored": [lambda: shop.origin(self.stored)] * 6,
            "info": [lambda: shop.origin(shop.home.url(self.asset, "info.json"))] * 2,
            "fresh": [lambda: shop.origin(self.fresh())] * 2,
            "far": [lambda: shop.origin(self.fresh(self.far))],
            "upload": [lambda: shop.upload(seed=1000 + next(_numbers))],
        }
        with ThreadPoolExecutor(sum(map(len, asks.values()))) as clients:
            answers = {kind: [clients.submit(ask) for ask in each] for kind, each in asks.items()}
            for url in (self.hit, self.signed_hit):
                answer = shop.get(url)
                assert (answer.status_code, answer.headers["X-Cache"]) == (200, "HIT")
            assert shop.get("/livez").status_code == 200
            return {kind: {outcome(answer.result()) for answer in each} for kind, each in answers.items()}


def outcome(answer: Any) -> str:
    status = getattr(answer, "status", None) or answer.status_code
    if status < 400:
        return "answered"
    document = answer.document if hasattr(answer, "document") else answer.json()
    assert status == 503, document
    assert answer.headers["Retry-After"]
    return f"{document['code']}: {document['detail']}"


def unavailable(part: str) -> Callable[[str], bool]:
    return lambda said: said.startswith("unavailable: ") and part in said


WITHOUT: dict[str, dict[str, Callable[[str], bool]]] = {
    "redis": {},
    "postgres": {"upload": unavailable("database")},
    "renderers": {kind: unavailable("renderers") for kind in ("fresh", "far", "upload")},
    "store": {kind: unavailable("store") for kind in ("stored", "fresh", "far", "upload")},
    "bucket": {kind: unavailable("store") for kind in ("stored", "far", "upload")},
}
"""What kinds of request come to without the part; all others are answered."""

CHECKS = {
    "redis": ["redis"],
    "postgres": ["database"],
    "renderers": ["renderers"],
    "store": ["store:originals", "store:variants"],
    "bucket": ["store:originals", "store:variants"],
}
"""What /readyz calls the part."""


def as_without(part: str, asked: Asked) -> None:
    """Ask for everything: what needs the part is refused and names it, the rest is answered."""
    for kind, said in asked.everything():
        expected = WITHOUT[part].get(kind)
        assert expected(said) if expected else said == "answered", (kind, said)


def until_told_of(part: str, shop: Shop) -> None:
    """Wait until /readyz says that the part is away and its breaker is not closed, and blames no other."""

    def told() -> bool:
        answer = shop.get("/readyz")
        parts = {found["part"]: found for found in answer.json()["parts"]}
        missing = [parts.pop(name) for name in CHECKS[part]]
        assert answer.status_code == 503
        assert not any(found["ok"] for found in missing)
        return all(found["breaker"] != "closed" for found in missing) and all(found["ok"] for found in parts.values())

    until(told)
