"""Many tenants at once through few connections, with clients that leave in the middle: nobody sees another's rows."""

import random
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import requests

from tests.imaging.pictures import gradient
from tests.journeys.conftest import Home, settle
from tests.journeys.waiting import until_told
from tests.servers.installation import Stack

TENANTS, STEPS, CLIENTS = 8, 600, 24


@pytest.fixture(scope="module")
def tenants(stack: Stack) -> list[tuple[Home, dict[str, str], str]]:
    """Each with its own API key, and with one picture."""
    found = []
    for number in range(TENANTS):
        home = settle(stack, "crowd")
        made = home.post("/v1/api-keys", home.owner | {"name": "k", "scopes": ["assets:write", "tenancy:read"]})
        asset = home.upload(bytes(gradient(200 + number, 30).jpegsave_buffer())).json()["id"]
        found.append((home, {"X-API-Key": made.json()["key"]}, asset))
    return found


def leave(stack: Stack, target: str, headers: dict[str, str], *, after: int) -> None:
    """Ask, and be gone after so many bytes of the question or, when that is all of it, before the answer."""
    lines = [f"GET {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    with socket.create_connection(("127.0.0.1", int(stack.base_url.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode()[:after])


def test_a_crowd_of_tenants_with_some_who_leave(stack: Stack, tenants: list[tuple[Home, dict[str, str], str]]):
    generator = random.Random(7)
    fates = ["list", "read", "other", "leave", "leave early", "broken", "level"]
    plan = [(*generator.choice(tenants), generator.choice(tenants), generator.choice(fates)) for _ in range(STEPS)]

    def visit(step) -> str | None:
        home, key, asset, (_, _, others), fate = step
        listing = f"/v1/assets?{urlencode(home.place)}"
        if fate.startswith("leave"):
            leave(stack, listing, key, after=30 if fate == "leave early" else 10_000)
            return None
        path = {
            "list": listing, "read": f"/v1/assets/{asset}", "other": f"/v1/assets/{others}",
            "broken": f"{listing}&cursor=!", "level": f"/v1/organizations/{home.organization}/tenants",
        }[fate]  # fmt: skip
        answer = until_told(lambda: requests.get(stack.base_url + path, headers=key, timeout=60))
        expected = {"broken": 422, "other": 200 if others == asset else 404}.get(fate, 200)
        right = answer.status_code == expected
        if right and fate == "list":
            right = [item["id"] for item in answer.json()["items"]] == [asset]
        elif right and fate == "level":
            right = [item["path"] for item in answer.json()["items"]] == [f"{home.organization}/{home.tenant}"]
        return None if right else f"{fate}: {answer.status_code} {answer.text[:300]}"

    with ThreadPoolExecutor(CLIENTS) as clients:
        wrong = [complaint for complaint in clients.map(visit, plan) if complaint]
    assert wrong == []
