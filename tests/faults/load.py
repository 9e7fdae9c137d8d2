"""A light mixed load that goes on whatever breaks: hits, misses and uploads, each counted by how it ended."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import requests

from tests.faults.shop import PATIENCE, Shop, sha256
from tests.journeys.conftest import picture
from tests.journeys.waiting import until

GOOD = {"hit": "200 HIT", "miss": "200", "upload": "201"}
NOBODY = "nobody there"
REFUSED = {"503 unavailable", "503 overloaded", "504 render_timeout"}
STALE = "200 STALE"
_PAUSE = 0.05
_STILL = 0.4
"""seconds for a pause, from which on a part may have been taken for away that only got no time of the machine"""


class Kept:
    """A client that keeps its connection, as browsers and CDNs do.

    Who stops closes the connections that lie idle, and a request may cross with that. Sent into a connection that had
    answered before, and ended without a byte, it is sent again on a new one, as HTTP has it (RFC 9112, 9.3.1).
    """

    def __init__(self, host: str) -> None:
        self._connection = HTTPConnection(host, timeout=PATIENCE)

    def get(self, path: str) -> tuple[int, str | None, bytes]:
        """Status, X-Cache and body."""
        try:
            with self._answer(path) as answer:
                return answer.status, answer.getheader("X-Cache"), answer.read()
        except BaseException:
            self._connection.close()
            raise

    def _answer(self, path: str) -> HTTPResponse:
        kept = self._connection.sock is not None
        try:
            return self._send(path)
        except ConnectionError:
            if not kept:
                raise
            self._connection.close()
            return self._send(path)

    def _send(self, path: str) -> HTTPResponse:
        self._connection.request("GET", path)
        return self._connection.getresponse()

    def close(self) -> None:
        self._connection.close()


class Load:
    """Runs while its `with` block does; `crowd` clients ask for each kind, one request after the other.

    Hits come over connections that are kept, the others each over one of its own. What is answered counts.
    """

    def __init__(self, shop: Shop, start: int, crowd: int = 1) -> None:
        self._shop = shop
        self._numbers = itertools.count(start)
        self._asset = shop.asset(seed=start)
        hits = [shop.home.url(self._asset, "w_40.jpg")]
        hits.append(shop.home.sign(shop.home.url(self._asset, "w_41.jpg", "priv")))
        for url in hits * 2:
            assert shop.get(url).status_code == 200
        self._hits = [(url.removeprefix(shop.base_url), shop.get(url).content) for url in hits]
        self.acknowledged: dict[str, str] = {}
        """the hash of each upload that was answered with 201, by the asset's identifier"""
        self._seen: dict[str, Counter[str]] = {"hit": Counter(), "miss": Counter(), "upload": Counter()}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._still = 0.0
        self._kept = [Kept(urlsplit(shop.base_url).netloc) for _ in range(crowd)]
        kinds = [("hit", partial(self._hit, edge)) for edge in self._kept]
        kinds += [("miss", self._miss), ("upload", self._upload)] * crowd
        self._threads = [threading.Thread(target=self._run, args=each, daemon=True) for each in kinds]
        self._threads.append(threading.Thread(target=self._watch, daemon=True))

    def ends(self, kind: str) -> Counter[str]:
        """How requests of this kind ended so far: by status with X-Cache or code, or NOBODY, or in the wrong bytes."""
        with self._lock:
            return Counter(self._seen[kind])

    def goes_on(self) -> None:
        """Wait until one more of each kind went well."""
        for kind, good in GOOD.items():
            before = self.ends(kind)[good]
            until(lambda kind=kind, good=good, before=before: self.ends(kind)[good] > before, seconds=PATIENCE)

    def excused(self, since: float) -> set[str]:
        """Ends that are no fault where the whole machine has stood still after this moment of time.monotonic()."""
        return REFUSED | {STALE} if self._still > since else set()

    def lost(self) -> list[str]:
        """Acknowledged uploads of which the bytes that were sent can't be had."""
        home = self._shop.home
        signed = {asset: home.sign(home.url({"id": asset}, "original.jpg", "priv")) for asset in self.acknowledged}
        return [
            asset for asset, url in signed.items() if sha256(self._shop.get(url).content) != self.acknowledged[asset]
        ]

    def _run(self, kind: str, ask: Callable[[], str]) -> None:
        while not self._stop.is_set():
            try:
                end = ask()
            except (requests.RequestException, HTTPException, OSError):
                end = NOBODY
            with self._lock:
                self._seen[kind][end] += 1
            time.sleep(_PAUSE)

    def _watch(self) -> None:
        before = time.monotonic()
        while not self._stop.wait(_PAUSE):
            now = time.monotonic()
            if now - before > _STILL:
                self._still = now
            before = now

    def _hit(self, edge: Kept) -> str:
        path, picture = random.choice(self._hits)
        status, cache, body = edge.get(path)
        return f"{status} {cache}" if status != 200 or body == picture else "another picture"

    def _miss(self) -> str:
        url = self._shop.home.url(self._asset, f"w_{next(self._numbers) % 8000 + 64}-h_20-f_cover.jpg")
        return _end(self._shop.get(url))

    def _upload(self) -> str:
        data = picture(64, 48, seed=next(self._numbers))
        home = self._shop.home
        answer = requests.post(
            f"{home.stack.base_url}/v1/assets",
            files={"file": ("p.jpg", data)},
            data=home.place,
            headers={"X-API-Key": str(home.stack.control.headers["X-API-Key"])},
            timeout=PATIENCE,
        )
        if answer.status_code == 201:
            self.acknowledged[answer.json()["id"]] = sha256(data)
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
        for edge in self._kept:
            edge.close()


def _end(answer: requests.Response) -> str:
    return str(answer.status_code) if answer.ok else f"{answer.status_code} {answer.json()['code']}"
