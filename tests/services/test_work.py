"""Jobs are done at least once, whatever happens to whoever does them."""

from itertools import pairwise
from uuid import UUID

import pytest

from mezzotint.data import jobs
from mezzotint.model.errors import NotFound, PictureRefused, Unavailable
from mezzotint.model.identifiers import new_id
from mezzotint.model.job import JobState
from mezzotint.services import work as service
from mezzotint.services.work import MOST_ATTEMPTS, Chore, Work, pause_after


@pytest.fixture
def kind() -> str:
    return f"kind-{new_id()}"


@pytest.fixture
def write(house, kind):
    def write(**payload) -> UUID:
        with house.database.operator() as tx:
            return jobs.enqueue(tx, kind, payload)

    return write


@pytest.fixture
def look(house):
    """The job as it stands, or None when it is gone."""

    def look(identifier: UUID):
        found = {job.id: job for job in house.jobs.page(limit=10_000)}
        return found.get(identifier)

    return look


@pytest.fixture
def make_due(house):
    def make_due(identifier: UUID) -> None:
        with house.database.operator() as tx:
            tx.run("UPDATE jobs SET run_at = now() WHERE id = %(id)s", id=identifier)

    return make_due


def work(house, kind, do, lease=60.0):
    return Work(house.database, {kind: do}, {}, lease=lease)


def test_a_job_is_done_once_and_its_row_goes(house, kind, write, look):
    done = []
    one, other = write(number=1), write(number=2)
    crew = work(house, kind, lambda job: done.append(job.payload["number"]))
    assert [crew.one() for _ in range(3)] == [True, True, False]
    assert done == [1, 2]
    assert look(one) is look(other) is None


def test_what_fails_is_tried_again_later_and_given_up_in_the_end(house, kind, write, look, make_due, monkeypatch):
    monkeypatch.setattr(service, "_FIRST_PAUSE", 600.0)  # which no stall of the machine outlasts

    def fail(_):
        raise Unavailable("store")

    identifier = write()
    crew = work(house, kind, fail)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert crew.one()
        job = look(identifier)
        assert (job.attempts, "store" in job.error) == (attempt, True)
        if attempt < MOST_ATTEMPTS:
            assert job.state is JobState.WAITING
            assert not crew.one(), "it waits before it is tried again"
            make_due(identifier)
    assert job.state is JobState.FAILED
    assert not crew.one()

    assert house.jobs.retry([identifier]) == 1
    assert work(house, kind, lambda _: None).one()
    assert look(identifier) is None


def test_what_can_never_succeed_is_given_up_at_once_and_can_be_dropped(house, kind, write, look):
    def refuse(_):
        raise PictureRefused("broken")

    identifier = write()
    assert work(house, kind, refuse).one()
    assert look(identifier).state is JobState.FAILED
    assert house.jobs.drop([identifier]) == 1
    assert look(identifier) is None


def test_work_on_what_was_deleted_is_over(house, kind, write, look):
    def miss(_):
        raise NotFound

    identifier = write()
    assert work(house, kind, miss).one()
    assert look(identifier) is None


class Killed(BaseException):
    """The worker's process ends here: nothing of ours runs any more."""


def test_the_job_of_a_killed_worker_is_done_by_the_next(house, kind, write, look):
    def die(_):
        raise Killed

    identifier = write()
    with pytest.raises(Killed):
        work(house, kind, die, lease=0).one()
    assert look(identifier).state is JobState.RUNNING
    assert work(house, kind, lambda _: None).one()
    assert look(identifier) is None


def test_a_job_that_kills_every_worker_is_given_up(house, kind, write, look):
    def die(_):
        raise Killed

    identifier = write()
    crew = work(house, kind, die, lease=0)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(Killed):
            crew.one()
    assert crew.one()
    assert look(identifier).state is JobState.FAILED


def test_a_chore_goes_on_where_it_stopped_and_comes_back(house, kind):
    seen = []

    def slice_of(payload):
        seen.append(payload)
        return {"after": len(seen)} if len(seen) < 3 else {}

    crews = [Work(house.database, {}, {kind: Chore(slice_of, every=3600)}, lease=60) for _ in range(2)]
    for _ in range(5):
        for crew in crews:
            crew.one()
    assert seen == [{}, {"after": 1}, {"after": 2}]
    (chore,) = [job for job in house.jobs.page(limit=10_000) if job.kind == kind]
    assert (chore.state, chore.payload) == (JobState.WAITING, {})


def test_pauses_grow_and_differ():
    pauses = [[pause_after(attempts) for _ in range(20)] for attempts in (1, 2, 3, 50)]
    for shorter, longer in pairwise(pauses):
        assert max(shorter) < min(longer)
        assert len(set(shorter)) > 1
    assert max(pauses[-1]) <= 3600
