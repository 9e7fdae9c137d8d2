"""An installation to break, for all of these tests: each leaves it whole again."""

from collections.abc import Iterator

import pytest
import requests

from tests.faults.shop import Shop
from tests.journeys.conftest import Home
from tests.servers.installation import Installation, Stack, free_port


@pytest.fixture(scope="session")
def shop() -> Iterator[Shop]:
    with Installation(port=free_port()) as installation, requests.Session() as control:
        control.headers["X-API-Key"] = (installation.folder / "secrets/api_key").read_text().strip()
        base_url = installation.settings()["public"]["base_url"]
        stack = Stack(base_url, control, installation.folder, installation.part, installation.output)
        shop = Shop(installation, Home(stack, "shop", "web", "main"))
        shop.found()
        yield shop


@pytest.fixture(autouse=True)
def whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """Who is handed a broken installation could not tell what broke it."""
    if "shop" not in request.fixturenames:
        yield
        return
    shop: Shop = request.getfixturevalue("shop")
    shop.healed()
    yield
    shop.healed()
