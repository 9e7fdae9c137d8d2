"""Whose turn it is."""

from hypothesis import given
from hypothesis import strategies as st

from mezzotint.imaging.renderer.queue import FairQueue


def drained(queue: FairQueue[str]) -> list[str]:
    jobs = []
    while (job := queue.pop()) is not None:
        jobs.append(job)
    return jobs


def test_tenants_take_turns() -> None:
    queue: FairQueue[str] = FairQueue(10, 10)
    for job in ("a1", "a2", "a3", "a4", "b1", "c1", "b2"):
        assert queue.push(job[0], job)
    assert drained(queue) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_a_flood_leaves_room_for_others() -> None:
    queue: FairQueue[int] = FairQueue(10, 4)
    assert [queue.push("flood", job) for job in range(6)] == [True] * 4 + [False] * 2
    assert queue.push("other", 1)


def test_full_is_full() -> None:
    queue: FairQueue[str] = FairQueue(2, 2)
    assert [queue.push(tenant, tenant) for tenant in "abc"] == [True, True, False]


def test_removed_jobs_free_their_place() -> None:
    queue: FairQueue[str] = FairQueue(2, 1)
    queue.push("a", "a1")
    queue.remove("a", "a1")
    queue.remove("a", "a1")
    assert len(queue) == 0
    assert queue.push("a", "a2")
    assert drained(queue) == ["a2"]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans())))
def test_nothing_is_lost_and_order_holds_within_a_tenant(steps: list[tuple[str, bool]]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(8, 3)
    pushed: list[tuple[str, int]] = []
    popped: list[tuple[str, int]] = []
    for number, (tenant, push) in enumerate(steps):
        if push and queue.push(tenant, (tenant, number)):
            pushed.append((tenant, number))
        elif not push and (job := queue.pop()) is not None:
            popped.append(job)
        assert len(queue) == len(pushed) - len(popped)
    while (job := queue.pop()) is not None:
        popped.append(job)
    for tenant in "abcd":
        assert [job for job in popped if job[0] == tenant] == [job for job in pushed if job[0] == tenant]
