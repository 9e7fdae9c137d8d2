"""An installation to break, for all of these tests: each leaves it whole again."""

from collections.abc import Iterator

import pytest

from tests.faults.asked import Asked
from tests.faults.shop import Shop, opened
from tests.servers.installation import Installation, free_port


@pytest.fixture(scope="session")
def shop() -> Iterator[Shop]:
    with opened(Installation(port=free_port())) as shop:
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


@pytest.fixture
def asked(shop: Shop) -> Asked:
    return Asked.of(shop)
