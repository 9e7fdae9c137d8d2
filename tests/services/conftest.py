"""The house, and places in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mezzotint.services.caller import Caller
from mezzotint.wiring import House
from tests.imaging.pictures import gradient
from tests.servers.house import running_house
from tests.servers.places import OPERATOR, Names, settle


@pytest.fixture(scope="session")
def house(postgres, redis_url, tmp_path_factory) -> Iterator[House]:
    with running_house(postgres, redis_url, tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def operator() -> Caller:
    return OPERATOR


@pytest.fixture
def place(house) -> Names:
    return settle(house)


@pytest.fixture
def tenant_caller(house) -> Callable[[Names], Caller]:
    """Who holds a key of that tenant."""

    def make(names: Names) -> Caller:
        _, token = house.api_keys.create(OPERATOR, names.organization, names.tenant, "a test", ["assets:write", "sign"])
        return house.api_keys.authenticate(token)

    return make


@pytest.fixture
def picture(tmp_path) -> Callable[..., Path]:
    """Writes a JPEG; another width, another picture."""

    def write(width: int = 64) -> Path:
        path = tmp_path / f"{width}.jpg"
        if not path.exists():
            gradient(width, 48).jpegsave(str(path))
        return path

    return write


@pytest.fixture
def upload(house, picture):
    """Uploads a picture to a place, as the operator."""

    def send(names: Names, width: int = 64, caller: Caller = OPERATOR, **fields):
        data = picture(width).read_bytes()
        with house.spool.receive() as incoming:
            incoming.write(data, limit=len(data))
            return house.ingest.add(caller, incoming.received, f"{width}.jpg", **(names.fields | fields))

    return send
