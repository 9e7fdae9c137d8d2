"""Stored pictures in a folder, whose bytes no Python carries."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from mezzotint.plugin_api import Storage
from tests.journeys.conftest import Home
from tests.journeys.stored_pictures import StoredPictures, lose_from_the_cache, sent, stores_of
from tests.journeys.waiting import until, until_status
from tests.servers.installation import Stack


@pytest.fixture(scope="module")
def stores(stack: Stack) -> dict[str, Storage]:
    return stores_of(stack)


class TestStored(StoredPictures):
    """From the folder."""


@contextmanager
def unmounted(stack: Stack) -> Iterator[None]:
    folder = stack.folder / "store"
    aside = folder.rename(folder.with_name("store.aside"))
    try:
        yield
    finally:
        aside.rename(folder)


def test_without_the_store_it_is_refused_and_kept_by_nobody(home: Home):
    asset = home.asset(seed=76)
    made = requests.get(url := home.url(asset, "w_114.jpg"))
    lose_from_the_cache(home, asset)

    def refused() -> list[tuple[bool, int]]:
        answer = requests.get(url)
        assert (answer.status_code, answer.headers["X-Cache"]) == (503, "MISS")
        assert answer.json()["detail"] == "the store does not answer"
        assert answer.headers["Cache-Control"] == "no-store"
        return sent(home, answer)

    with unmounted(home.stack):
        assert refused() == [(True, 200), (False, 503)]
        until(lambda: refused() == [(False, 503)])  # the breaker is open, and sends nobody where nothing answers
    again = until_status(url, 200)
    assert again.content == made.content
    assert requests.get(url).headers["X-Cache"] == "HIT"
    until_status(f"{home.stack.base_url}/readyz", 200)
