"""Locks over three real Redis that know nothing of each other, of which some are killed."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from redis import RedisError

from mezzotint.data import locks
from mezzotint.data.redis import Redis, connect
from mezzotint.model.identifiers import new_id
from tests.journeys.waiting import until
from tests.servers.installation import Installation

TENANT = new_id()


class Three:
    """The servers and a client of each."""

    def __init__(self, installations: list[Installation]) -> None:
        self.installations = installations
        # None of them is ever silent: a killed one refuses at once.
        self.nodes: list[Redis] = [connect(each.settings()["redis"]["url"], timeout=30.0) for each in installations]

    def lose(self, number: int) -> None:
        """Kill a server for good: its supervisor stands still."""
        each = self.installations[number]
        assert each.process is not None
        each.process.send_signal(signal.SIGSTOP)
        each.part("redis").kill()

    def regain(self) -> None:
        for each in self.installations:
            assert each.process is not None
            each.process.send_signal(signal.SIGCONT)
        until(lambda: all(map(answers, self.nodes)))

    def held(self, name: str) -> list[bool]:
        return [bool(node.keys(f"*{name}")) for node in self.nodes]


def answers(node: Redis) -> bool:
    try:
        return bool(node.ping())
    except RedisError:
        return False


@pytest.fixture(scope="module")
def servers() -> Iterator[Three]:
    with ExitStack() as stack:
        yield Three([stack.enter_context(Installation(only=["redis"])) for _ in range(3)])


@pytest.fixture
def three(servers: Three) -> Iterator[Three]:
    yield servers
    servers.regain()


def test_it_is_held_on_all_and_left_everywhere(three: Three):
    with locks.variant(three.nodes, TENANT, "all", wait=10, hold=30) as held:
        assert held
        assert three.held("all") == [True] * 3
        with locks.variant(three.nodes, TENANT, "all", wait=0.1, hold=30) as second:
            assert not second
        assert three.held("all") == [True] * 3, "who came too late opened it"
    assert three.held("all") == [False] * 3


def test_a_minority_taken_by_another_is_no_obstacle(three: Three):
    name = f"mz:{{{TENANT}}}:making:minority"
    three.nodes[0].set(name, "another's")
    with locks.variant(three.nodes, TENANT, "minority", wait=10, hold=30) as held:
        assert held
    assert three.nodes[0].get(name) == "another's"


def test_without_one_server_it_still_keeps_others_out(three: Three):
    three.lose(0)
    with locks.variant(three.nodes, TENANT, "two left", wait=10, hold=30) as held:
        assert held
        with locks.variant(three.nodes, TENANT, "two left", wait=0.1, hold=30) as second:
            assert not second


def test_a_server_lost_while_it_is_held_changes_nothing(three: Three):
    with locks.variant(three.nodes, TENANT, "meanwhile", wait=10, hold=30) as held:
        assert held
        three.lose(1)
        with locks.variant(three.nodes, TENANT, "meanwhile", wait=0.1, hold=30) as second:
            assert not second
    with locks.variant(three.nodes, TENANT, "meanwhile", wait=10, hold=30) as again:
        assert again


def test_without_two_servers_work_goes_on_without_a_lock(three: Three):
    three.lose(0)
    three.lose(1)
    with locks.variant(three.nodes, TENANT, "one left", wait=3600, hold=30) as held:
        assert not held, "nor was it waited for"
    assert not three.nodes[2].keys("*one left"), "the one that was there is not left locked"
