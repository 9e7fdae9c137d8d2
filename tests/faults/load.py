"""A light mixed load that goes on whatever breaks: hits, misses and uploads, each counted by how it ended."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import requests

from tests.faults.shop import PATIENCE, Shop, sha256
from tests.journeys.conftest import picture

NOBODY = "nobody there"
_PAUSE = 0.05


@dataclass
class Seen:
    """How requests of one kind ended so far: a status and code, or NOBODY."""

    ends: Counter[str] = field(default_factory=Counter)


class Load:
    """Runs while its `with` block does. Nothing is tried again: what is answered counts."""

    def __init__(self, shop: Shop, start: int) -> None:
        self._shop = shop
        self._numbers = itertools.count(start)
        self._asset = shop.asset(seed=start)
        self._hits = [shop.home.url(self._asset, "w_40.jpg")]
        self._hits.append(shop.home.sign(shop.home.url(self._asset, "w_41.jpg", "priv")))
        for url in self._hits * 2:
            assert shop.get(url).status_code == 200
        self.acknowledged: dict[str, tuple[str, str]] = {}
        """space path and hash of each upload that was answered with 201, by the asset's identifier"""
        self.seen = {"hit": Seen(), "miss": Seen(), "upload": Seen()}
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(kind, ask), daemon=True)
            for kind, ask in (("hit", self._hit), ("miss", self._miss), ("upload", self._upload))
        ]

    def ends(self, kind: str) -> Counter[str]:
        return Counter(self.seen[kind].ends)

    def _run(self, kind: str, ask: Callable[[requests.Session], str]) -> None:
        with requests.Session() as session:
            session.headers["X-API-Key"] = self._shop.home.stack.control.headers["X-API-Key"]
            while not self._stop.is_set():
                try:
                    end = ask(session)
                except requests.RequestException:
                    end = NOBODY
                self.seen[kind].ends[end] += 1
                time.sleep(_PAUSE)

    def _hit(self, session: requests.Session) -> str:
        answer = session.get(random.choice(self._hits), timeout=PATIENCE)
        return f"{answer.status_code} {answer.headers.get('X-Cache')}"

    def _miss(self, session: requests.Session) -> str:
        url = self._shop.home.url(self._asset, f"w_{next(self._numbers) % 8000 + 64}-h_20-f_cover.jpg")
        return _end(session.get(url, timeout=PATIENCE))

    def _upload(self, session: requests.Session) -> str:
        data = picture(64, 48, seed=next(self._numbers))
        home = self._shop.home
        answer = session.post(
            f"{home.stack.base_url}/v1/assets", files={"file": ("p.jpg", data)}, data=home.place, timeout=PATIENCE
        )
        if answer.status_code == 201:
            self.acknowledged[answer.json()["id"]] = (home.space, sha256(data))
        return _end(answer)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)
            assert not thread.is_alive()


def _end(answer: requests.Response) -> str:
    return str(answer.status_code) if answer.ok else f"{answer.status_code} {answer.json()['code']}"
