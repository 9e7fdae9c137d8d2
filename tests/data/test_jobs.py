import pytest

from mezzotint.data import jobs
from mezzotint.model.identifiers import new_id
from mezzotint.model.job import JobState


@pytest.fixture
def kind() -> str:
    return f"kind-{new_id()}"


def test_a_job_is_claimed_once_and_gone_when_finished(database, place, kind):
    with database.scoped(place.scope) as tx:
        identifier = jobs.enqueue(tx, kind, {"a": 1})
    with database.operator() as tx:
        (job,) = jobs.claim(tx, kind)
        assert jobs.claim(tx, kind) == []
    assert (job.id, job.payload, job.state, job.attempts) == (identifier, {"a": 1}, JobState.RUNNING, 1)
    assert (job.organization_id, job.tenant_id) == (place.organization.id, place.tenant.id)
    with database.operator() as tx:
        jobs.finish(tx, [job.id])
        assert tx.rows("SELECT id FROM jobs WHERE kind = %(kind)s", kind=kind) == []


def test_a_job_lives_and_dies_with_its_transaction(database, place, kind, abandon):
    abandon(database.scoped(place.scope), lambda tx: jobs.enqueue(tx, kind, {}))
    with database.operator() as tx:
        assert jobs.claim(tx, kind) == []


def test_two_claims_share_no_job(database, place, kind):
    with database.scoped(place.scope) as tx:
        identifiers = sorted(jobs.enqueue(tx, kind, {}) for _ in range(4))
    with database.operator() as one, database.operator() as two:
        first, second = jobs.claim(one, kind, limit=2), jobs.claim(two, kind, limit=10)
    assert [job.id for job in first + second] == identifiers


def test_the_job_of_a_dead_worker_is_due_again(database, place, kind):
    with database.scoped(place.scope) as tx:
        jobs.enqueue(tx, kind, {})
    with database.operator() as tx:
        assert len(jobs.claim(tx, kind, lease=0)) == 1
    with database.operator() as tx:
        (job,) = jobs.claim(tx, kind, lease=60)
    assert job.attempts == 2


def test_a_failed_job_is_tried_again_or_kept_to_be_seen(database, place, kind):
    with database.scoped(place.scope) as tx:
        identifier = jobs.enqueue(tx, kind, {})
    with database.operator() as tx:
        jobs.claim(tx, kind)
        jobs.fail(tx, identifier, "store away", retry_in=0)
    with database.operator() as tx:
        (job,) = jobs.claim(tx, kind)
        assert job.error == "store away"
        jobs.fail(tx, identifier, "gave up", retry_in=None)
    with database.operator() as tx:
        assert jobs.claim(tx, kind) == []
        assert tx.one("SELECT state, error FROM jobs WHERE id = %(id)s", id=identifier) == {
            "state": "failed", "error": "gave up",
        }  # fmt: skip


def test_a_job_waits_for_its_time(database, place, kind):
    with database.scoped(place.scope) as tx:
        jobs.enqueue(tx, kind, {}, delay=3600)
    with database.operator() as tx:
        assert jobs.claim(tx, kind) == []
