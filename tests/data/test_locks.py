import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from mezzotint.data import locks
from mezzotint.data.redis import connect
from mezzotint.model.identifiers import new_id
from tests.journeys.waiting import until

TENANT, IDENTITY = new_id(), "ab" * 32


@pytest.fixture
def away(tmp_path):
    """A client of a Redis that is not there."""
    with connect(f"unix://{tmp_path}/nothing", timeout=0.1) as client:
        yield client


def test_one_holds_it_at_a_time(client):
    inside, most = [], []

    def work(_):
        with locks.variant([client], TENANT, IDENTITY, wait=30, hold=30) as held:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()
            return held

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(16))) == [True] * 16
    assert max(most) == 1


def test_a_majority_that_took_as_long_to_gather_as_it_lasts_is_none(client, monkeypatch):
    moments = itertools.count(0.0, 2.0)
    monkeypatch.setattr(locks, "time", SimpleNamespace(monotonic=lambda: next(moments), sleep=time.sleep))
    with locks.variant([client], TENANT, IDENTITY, wait=1, hold=2) as held:
        assert not held
    with locks.variant([client], TENANT, IDENTITY, wait=1, hold=3) as held:
        assert held


def test_who_waited_long_enough_goes_on_without(client):
    with locks.variant([client], TENANT, IDENTITY, wait=1, hold=30) as first:
        with locks.variant([client], TENANT, IDENTITY, wait=0.05, hold=30) as second:
            assert (first, second) == (True, False)
        with locks.variant([client], TENANT, "cd" * 32, wait=1, hold=30) as other:
            assert other
        # The loser's leaving must not have opened it.
        with locks.variant([client], TENANT, IDENTITY, wait=0.05, hold=30) as third:
            assert not third


def test_a_lock_lost_to_another_is_not_taken_from_it(client):
    with locks.variant([client], TENANT, IDENTITY, wait=1, hold=30):
        (name,) = client.keys("*making*")
        client.set(name, "another holder's token")
    assert client.get(name) == "another holder's token"


def test_a_failure_inside_opens_it(client):
    with pytest.raises(KeyError), locks.variant([client], TENANT, IDENTITY, wait=1, hold=30):
        raise KeyError
    assert client.keys("*") == []


def test_with_redis_away_work_goes_on(away):
    with locks.variant([away], TENANT, IDENTITY, wait=30, hold=30) as held:
        assert held is False


def test_redis_going_away_in_the_middle_does_no_harm(client):
    with locks.variant([client], TENANT, IDENTITY, wait=1, hold=30) as held:
        assert held
        client.flushall()


def test_a_living_holder_keeps_it_and_a_dead_one_does_not(client):
    def kept() -> bool:
        """Beyond its first end: seen shrinking, then long again. A machine that stood still may have lost it."""
        with locks.variant([client], TENANT, IDENTITY, wait=1, hold=3):
            until(lambda: left() < 2500)
            until(lambda: not 0 < left() < 2500)
            return left() > 2500

    def left() -> int:
        return client.pttl(name)

    name = f"mz:{{{TENANT}}}:making:{IDENTITY}"
    until(kept)
    client.set(name, "a token whose holder died", px=300)
    with locks.variant([client], TENANT, IDENTITY, wait=30, hold=30) as held:
        assert held
