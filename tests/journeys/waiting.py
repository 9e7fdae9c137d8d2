"""Waiting for a state, with a generous limit: what is tested is that it comes, not when."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import requests

T = TypeVar("T")


def until(look: Callable[[], T], *, seconds: float = 30.0) -> T:
    """What `look` gives once that is true."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)
    return seen


def whole_lines(log: Path) -> list[str]:
    """Those of a log that is being written: the last one may be there in part."""
    return [line.decode() for line in log.read_bytes().rpartition(b"\n")[0].splitlines()]


def until_answer(ask: Callable[[], requests.Response], good: Callable[[requests.Response], bool]) -> requests.Response:
    """The first answer that is `good`."""

    def look() -> tuple[requests.Response] | None:
        answer = ask()
        return (answer,) if good(answer) else None  # an answer by itself is true only when all is well

    return until(look)[0]


def until_status(url: str, status: int) -> requests.Response:
    """The first answer of `url` with this status."""
    return until_answer(lambda: requests.get(url), lambda answer: answer.status_code == status)


def until_told(ask: Callable[[], requests.Response]) -> requests.Response:
    """The first answer that does not say that a part is away or late, which is right where the machine stood still."""
    return until_answer(ask, lambda answer: answer.status_code != 503)
