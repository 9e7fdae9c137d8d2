"""The control plane asked through Flask's test client, around the same house as the services' tests."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mezzotint.services.caller import SCOPES
from mezzotint.web.app import create_app
from mezzotint.wiring import House
from tests.imaging.pictures import gradient
from tests.servers.house import running_house
from tests.servers.places import Names, settle, token


@pytest.fixture(scope="session")
def house(postgres, redis_url, tmp_path_factory) -> Iterator[House]:
    with running_house(postgres, redis_url, tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="session")
def app(house) -> Flask:
    return create_app(house)


@dataclass(frozen=True)
class Api:
    """Requests with one API key."""

    app: Flask
    token: str

    def __call__(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"X-API-Key": self.token} | options.pop("headers", {})
        return self.app.test_client().open(path, method=method, headers=headers, **options)

    def upload(self, data: bytes, path: str = "/v1/assets", file_name: str = "a.jpg", **fields: str) -> TestResponse:
        return self("POST", path, data=fields | {"file": (io.BytesIO(data), file_name)})


@pytest.fixture
def place(house) -> Names:
    return settle(house)


@pytest.fixture
def neighbour(house, place) -> Names:
    """Another tenant of the same organization."""
    return settle(house, place.organization)


@pytest.fixture
def stranger(house) -> Names:
    """A tenant of another organization."""
    return settle(house)


@pytest.fixture
def api(app, house) -> Callable[..., Api]:
    """Requests as the operator, as an organization, or as a tenant."""

    def of(organization: str | None = None, tenant: str | None = None, scopes=SCOPES) -> Api:
        return Api(app, token(house, organization, tenant, scopes))

    return of


@pytest.fixture
def operator(api) -> Api:
    return api()


@pytest.fixture
def tenant(api, place) -> Api:
    return api(place.organization, place.tenant)


@pytest.fixture(scope="session")
def jpeg() -> Callable[..., bytes]:
    """A picture; another width, another picture."""
    return lambda width=64: gradient(width, 48).jpegsave_buffer()


@pytest.fixture
def problem() -> Callable[..., None]:
    """Holds that an answer is the contract's problem document."""

    def check(answer: TestResponse, status: int, code: str, field: str | None = None) -> None:
        document = answer.get_json()
        assert (answer.status_code, document["code"], document.get("field")) == (status, code, field), document
        assert answer.content_type == "application/problem+json"
        assert document["status"] == status
        assert document["request_id"] == answer.headers["X-Request-Id"]
        assert {"type", "title", "detail"} <= document.keys()

    return check
