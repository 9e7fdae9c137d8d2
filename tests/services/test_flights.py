"""Work that is under way is not done again."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest

from mezzotint.services import flights
from mezzotint.services.flights import Flights

OTHERS = 3


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Semaphore:
    """Counts those who wait for another's work."""
    waiting = Semaphore(0)

    class Counting(Future[Any]):
        def result(self, timeout: float | None = None) -> Any:
            waiting.release()
            return super().result(timeout)

    monkeypatch.setattr(flights, "Future", Counting)
    return waiting


@pytest.mark.parametrize("fails", [False, True])
def test_who_asks_meanwhile_gets_the_same(waiting: Semaphore, *, fails: bool) -> None:
    begun, done, under_way = Event(), [], Flights[object]()

    def work() -> object:
        done.append(object())
        begun.set()
        for _ in range(OTHERS):
            assert waiting.acquire(timeout=20), "somebody else does it too"
        if fails:
            raise ValueError(done[0])
        return done[0]

    with ThreadPoolExecutor(1 + OTHERS) as pool:
        first = pool.submit(under_way.run, "a picture", work)
        assert begun.wait(20)
        others = [pool.submit(under_way.run, "a picture", work) for _ in range(OTHERS)]
        ends = [each.exception() or each.result() for each in (first, *others)]
    assert len(done) == len(set(ends)) == 1
    assert under_way.run("a picture", lambda: "anew") == "anew"


def test_another_picture_waits_for_nobody(waiting: Semaphore) -> None:
    under_way = Flights[str]()
    assert under_way.run("one", lambda: under_way.run("other", lambda: "made")) == "made"
    assert not waiting.acquire(blocking=False)
