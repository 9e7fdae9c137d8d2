"""The worker itself: what it is asked for it does, and nothing that happens to it loses any of that."""

import json
import os
import signal
import threading

import pytest
import redis

from mezzotint.data import assets
from mezzotint.model.asset import Access
from mezzotint.model.job import JobState
from tests.imaging.pictures import noise
from tests.imaging.pool import until as wait_until
from tests.servers.places import OPERATOR


def until(state) -> None:
    """Background work gets what time others leave: on a busy machine it takes long."""
    wait_until(state, patience=180)


@pytest.fixture(scope="module")
def large() -> list[bytes]:
    """Pictures that each deserve a mezzanine."""
    whole = noise(3600, 800)
    return [whole.crop(0, 0, 3600 - number, 800).jpegsave_buffer() for number in range(8)]


@pytest.fixture
def send(house):
    def send(place, data: bytes):
        with house.spool.receive() as incoming:
            incoming.write(data, limit=len(data))
            return house.ingest.add(OPERATOR, incoming.received, "a.jpg", access=Access.PUBLIC, **place.fields)

    return lambda place, data: send(place, data).located.asset


@pytest.fixture
def has_mezzanine(house):
    def has_mezzanine(asset) -> bool:
        with house.database.scoped(asset.scope) as tx:
            mezzanine = assets.get(tx, asset.id).version.mezzanine
        return mezzanine is not None and house.stores[mezzanine.store].exists(mezzanine.key)

    return has_mezzanine


def left(house, kind="mezzanine"):
    return [job for job in house.jobs.page(limit=1000) if job.kind == kind]


def test_what_uploads_ask_for_is_done(house, place, large, send, has_mezzanine, start_worker):
    with start_worker() as worker:
        asset = send(place, large[0])
        until(lambda: has_mezzanine(asset))
        until(lambda: not left(house))
        assert worker.stop() == 0


def test_kill_9_loses_nothing(house, place, large, send, has_mezzanine, start_worker):
    pictures = [send(place, data) for data in large]
    assert len(left(house)) == len(pictures)
    with start_worker() as worker:
        # Killed with a job in its hands, again and again; then it is let do its work.
        for _ in range(3):
            until(lambda: any(job.state is JobState.RUNNING for job in left(house)) or not left(house))
            worker.kill()
            done = sum(has_mezzanine(picture) for picture in pictures)
            assert done + len(left(house)) >= len(pictures)
            worker.start()
        until(lambda: not left(house))
    assert all(map(has_mezzanine, pictures))


def test_a_killed_child_is_replaced_and_its_job_done(place, large, send, has_mezzanine, start_worker):
    with start_worker() as worker:
        asset = send(place, large[1])
        for pid in worker.children():
            os.kill(pid, signal.SIGKILL)
        until(lambda: has_mezzanine(asset))


def test_a_broker_that_forgets_everything_loses_nothing(place, large, send, has_mezzanine, start_worker, redis_url):
    stop = threading.Event()

    def forget() -> None:
        with redis.Redis.from_url(redis_url) as client:
            while not stop.wait(0.5):
                client.flushall()

    with start_worker():
        forgetter = threading.Thread(target=forget)
        forgetter.start()
        pictures = [send(place, data) for data in large[:3]]
        stop.wait(2)
        stop.set()
        forgetter.join()
        until(lambda: all(map(has_mezzanine, pictures)))


def test_two_workers_do_a_job_once(house, place, large, send, has_mezzanine, start_worker):
    with start_worker() as one, start_worker() as other:
        pictures = [send(place, data) for data in large]
        until(lambda: not left(house))
        for worker in (one, other):  # which tell of a job after its row has gone, and might be at it a second time
            assert worker.stop() == 0
    done = [line for line in one.log.read_text().splitlines() if '"mezzanine"' in line and '"job_done"' in line]
    assert all(map(has_mezzanine, pictures))
    assert len({json.loads(line)["job"] for line in done}) == len(done) >= len(pictures)


def test_changes_are_published_without_a_control_plane(house, start_worker):
    with start_worker():
        house.publisher._snapshot._redis.flushall()
        until(lambda: house.publisher._snapshot.epoch() is not None)
