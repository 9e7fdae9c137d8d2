"""kill -9 of each process in turn under a light mixed load; then nothing that was promised is missing."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from mezzotint.imaging.client import Renderers
from tests.faults.inventory import until_settled, whole
from tests.faults.load import GOOD, NOBODY, REFUSED, STALE, Load
from tests.faults.shop import PATIENCE, Shop, family, stopped
from tests.journeys.waiting import until

UNMISSED = {"redis", "isolated", "worker"}
"""parts whose death nobody notices who asks for pictures or brings some"""


def child(part: str, words: str = "") -> Callable[[Shop], list[int]]:
    """A process below the part whose command line has these words."""

    def find(shop: Shop) -> list[int]:
        children = family(shop.pid(part))[1:]
        return [pid for pid in children if words in Path(f"/proc/{pid}/cmdline").read_text()][:1]

    return find


def itself(part: str) -> Callable[[Shop], list[int]]:
    return lambda shop: [shop.pid(part)]


VICTIMS: dict[str, tuple[str, Callable[[Shop], list[int]]]] = {
    "PostgreSQL": ("postgres", itself("postgres")),
    "Redis": ("redis", itself("redis")),
    "a renderer": ("renderers", child("renderers")),
    "the renderers' master": ("renderers", itself("renderers")),
    "the isolated renderers' master": ("isolated", itself("isolated")),
    "a gunicorn worker": ("origin", child("origin")),
    "gunicorn": ("origin", itself("origin")),
    "the worker": ("worker", itself("worker")),
    "an nginx worker": ("edge", child("edge", "worker process")),
    "nginx": ("edge", itself("edge")),
}


@pytest.fixture(scope="module")
def load(shop: Shop) -> Iterator[Load]:
    with Load(shop, start=10_000) as load:
        yield load


def ends_since(load: Load, before: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    return {kind: load.ends(kind) - counted for kind, counted in before.items()}


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_it_comes_back_and_nothing_wrong_was_answered(shop: Shop, load: Load, victim: str):
    part, find = VICTIMS[victim]
    load.goes_on()
    began, before = time.monotonic(), {kind: load.ends(kind) for kind in GOOD}
    pids = find(shop)
    assert pids
    shop.killed(part, pids)
    shop.healed()
    load.goes_on()
    ended = ends_since(load, before)
    excused = load.excused(since=began)
    reset = {NOBODY, STALE} if part == "edge" else set()
    assert set(ended["hit"]) <= {GOOD["hit"]} | reset | (excused & {STALE}), "cached pictures go out where nginx lives"
    refused = excused if part in UNMISSED else REFUSED
    # Who is killed between an answer's head and its end leaves it unfinished: to each client the one it was reading.
    unfinished = 1 if part == "origin" else 0
    for kind in ("miss", "upload"):
        if ended[kind][NOBODY] <= unfinished:
            del ended[kind][NOBODY]
        assert set(ended[kind]) <= {GOOD[kind]} | refused | reset


def test_killed_the_supervisor_takes_its_parts_along_and_starts_anew(shop: Shop, load: Load):
    before = {kind: load.ends(kind) for kind in GOOD}
    process = shop.installation.process
    assert process is not None
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    shop.installation.start()
    shop.healed()
    load.goes_on()
    for kind, ended in ends_since(load, before).items():
        # Stale: from the cache too. 503: everything began at once, and a new edge knows nothing yet.
        assert set(ended) <= {GOOD[kind], STALE, "503 None", NOBODY} | REFUSED


def test_after_all_that_every_promise_is_kept(shop: Shop, load: Load):
    load.__exit__(None, None, None)
    assert len(load.acknowledged) > len(VICTIMS)
    assert load.lost() == []
    until_settled(shop)


@pytest.mark.parametrize("part", ["origin", "edge"])
def test_reloaded_it_answers_everything(shop: Shop, part: str):
    until_settled(shop)
    began = time.monotonic()
    with Load(shop, start=20_000 + 1000 * len(part), crowd=4) as load:
        load.goes_on()
        old = family(shop.pid(part))[1:]
        shop.installation.part(part).kill(signal.SIGHUP)
        until(lambda: not set(old) & set(family(shop.pid(part))), seconds=PATIENCE)
        load.goes_on()
    for kind, good in GOOD.items():
        assert set(load.ends(kind)) - load.excused(since=began) == {good}
    assert load.lost() == []
    until(lambda: whole(shop))  # and nobody had to repair anything


def test_stopped_it_answers_what_it_has_begun(shop: Shop):
    asset = shop.asset(seed=30_000)
    renderers = Renderers(shop.installation.folder / "run/renderers.sock")
    process = shop.installation.process
    assert process is not None
    with ThreadPoolExecutor(1) as client:
        with stopped(family(shop.pid("renderers"))[1:]):
            answer = client.submit(shop.get, shop.home.url(asset, "w_33.jpg"))
            until(lambda: renderers.ping().busy == 1)
            process.send_signal(signal.SIGTERM)
            until(lambda: closed(shop))
        assert answer.result().status_code == 200
    process.wait(PATIENCE)
    shop.installation.start()


def closed(shop: Shop) -> bool:
    """Whether nobody is let in any more."""
    try:
        shop.get("/edge/livez")
    except requests.ConnectionError:
        return True
    return False
