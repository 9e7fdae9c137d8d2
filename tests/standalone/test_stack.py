"""The whole installation as a newcomer meets it."""

import time

import pytest
import requests

from mezzotint.standalone.__main__ import ORDER
from tests.servers.installation import PATIENCE, Installation, Stack, free_port, welcome_link


@pytest.mark.parametrize("kind", ["public picture", "signed picture"])
def test_the_links_of_the_welcome_open_and_are_cached(stack: Stack, kind: str) -> None:
    for cached in (None, "HIT"):
        answer = requests.get(stack.link(kind), timeout=PATIENCE)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
        assert cached in {None, answer.headers["X-Cache"]}


def test_the_operators_key_opens_the_control_plane(stack: Stack) -> None:
    answer = stack.control.get(f"{stack.base_url}/v1/organizations", timeout=PATIENCE)
    assert answer.status_code == 200
    assert "demo" in answer.text
    assert requests.get(f"{stack.base_url}/v1/organizations", timeout=PATIENCE).status_code == 401


@pytest.mark.parametrize("name", [name for name in ORDER if name != "minio"])
def test_after_any_part_was_killed_new_pictures_are_served(stack: Stack, name: str) -> None:
    before = stack.part(name)
    before.kill()
    end = time.monotonic() + PATIENCE
    while stack.part(name).deaths == before.deaths or not stack.part(name).ready:
        assert time.monotonic() < end, f"{name} did not come back"
        time.sleep(0.05)
    fresh = stack.link("public picture").replace("w_800", f"w_{300 + ORDER.index(name)}")
    while (answer := requests.get(fresh, timeout=PATIENCE)).status_code != 200:
        assert answer.status_code == 503, answer.text  # never wrong, only late
        assert time.monotonic() < end, answer.text
        time.sleep(0.2)
    assert answer.headers["X-Cache"] != "HIT"


def test_a_second_start_finds_its_pictures_and_its_key_again() -> None:
    with Installation(port=free_port()) as installation:
        key = (installation.folder / "secrets/api_key").read_text()
        picture = welcome_link(installation.output, "public picture")
        installation.stop()
        installation.output.unlink()
        installation.start()
        assert welcome_link(installation.output, "public picture") == picture
        assert (installation.folder / "secrets/api_key").read_text() == key
