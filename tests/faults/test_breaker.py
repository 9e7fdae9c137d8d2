"""The breaker alone, on a clock that the test moves."""

import pytest

from mezzotint.breaker import Breaker, State


class Trouble(Exception):
    pass


class Refused(Exception):
    pass


class Part:
    """Counts how often it is really asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.answers: Exception | None = Trouble()
        self.breaker = Breaker(
            "part", trouble=Trouble, refusal=Refused, failures=3, pause=2.0, clock=lambda: self.now
        )  # fmt: skip

    def ask(self) -> str:
        try:
            with self.breaker.guard():
                self._answer()
        except (Trouble, Refused, KeyError) as error:
            return type(error).__name__
        return "answered"

    def _answer(self) -> None:
        self.asked += 1
        if self.answers is not None:
            raise self.answers


@pytest.fixture
def part() -> Part:
    return Part()


@pytest.fixture
def opened(part: Part) -> Part:
    assert [part.ask() for _ in range(3)] == ["Trouble"] * 3
    assert part.breaker.state is State.OPEN
    return part


def test_it_opens_after_so_many_failures_in_a_row(part: Part):
    for failures in range(3):
        part.answers = Trouble()
        assert [part.ask() for _ in range(failures)] == ["Trouble"] * failures
        assert part.breaker.state is State.CLOSED
        part.answers = None
        assert part.ask() == "answered"


def test_open_it_asks_nothing(opened: Part):
    assert [opened.ask() for _ in range(100)] == ["Refused"] * 100
    assert opened.asked == 3


def test_after_a_while_one_tries_and_the_others_do_not_wait_for_it(opened: Part):
    opened.now = 2.0
    assert opened.breaker.state is State.HALF_OPEN
    with opened.breaker.guard():
        assert opened.breaker.state is State.HALF_OPEN
        assert [opened.ask() for _ in range(10)] == ["Refused"] * 10
    assert opened.breaker.state is State.CLOSED


def test_a_probe_that_fails_opens_it_anew(opened: Part):
    for probe in range(1, 5):
        opened.now += 2.0
        assert opened.ask() == "Trouble"
        assert opened.breaker.state is State.OPEN
        assert opened.ask() == "Refused"
        assert opened.asked == 3 + probe


def test_a_probe_that_never_comes_back_is_not_the_last(opened: Part):
    opened.now = 2.0
    lost = opened.breaker.guard()
    lost.__enter__()
    assert opened.ask() == "Refused"
    opened.now += 60.0
    opened.answers = None
    assert opened.ask() == "answered"
    assert opened.breaker.state is State.CLOSED


def test_an_answer_that_is_no_success_is_an_answer(opened: Part):
    opened.now = 2.0
    opened.answers = KeyError()
    assert opened.ask() == "KeyError"
    assert opened.breaker.state is State.CLOSED
