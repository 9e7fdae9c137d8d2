"""The origin judges for itself, whatever an edge in front of it has said or let through."""

import time
from collections.abc import Callable
from contextlib import closing

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mezzotint.services.links import signature
from tests.journeys.waiting import until
from tests.web.conftest import Api

HOST = "img.example.com"

Ask = Callable[..., tuple[int, str | None]]


@pytest.fixture
def path(operator: Api, place, jpeg) -> str:
    """A private picture's own path."""
    asset = operator.upload(jpeg(), **place.fields, access="private").get_json()["id"]
    return f"/v1/priv/{place.path}/img/{asset}/v1/w_20.jpg"


@pytest.fixture
def key(operator: Api, place, path) -> dict[str, str]:  # noqa: ARG001 (its space is there by then)
    owner = {"organization": place.organization, "tenant": place.tenant}
    return operator("POST", "/v1/signing-keys", json=owner).get_json()


def arguments(key: dict[str, str], path: str, *, exp: int | None = None, host: str = HOST) -> dict[str, str]:
    exp = exp or int(time.time()) + 60
    organization, tenant = path.split("/")[3:5]
    sig = signature(bytes.fromhex(key["secret"]), path, exp, host, organization, tenant)
    return {"sig": sig, "exp": str(exp), "kid": key["kid"]}


@pytest.fixture(params=["by the edge", "without an edge"])
def ask(app: Flask, request: pytest.FixtureRequest) -> Ask:
    """The status and code of a delivery, asked as an edge passes it on, or as a client would."""

    def of(path: str, given: dict[str, str] | None = None, host: str = HOST) -> tuple[int, str | None]:
        given = given or {}
        if request.param == "by the edge":
            said = {"Path": path, "Host": host} | {name.title(): value for name, value in given.items()}
            headers = {f"X-Mezzotint-{name}": value for name, value in said.items()}
            answer = app.test_client().get(path, headers=headers)
        else:
            query = "&".join(f"{name}={value}" for name, value in given.items())
            answer = app.test_client().get(f"{path}?{query}", headers={"Host": host})
        return told(answer)

    return of


def told(answer: TestResponse) -> tuple[int, str | None]:
    with closing(answer):  # as every server does: until then it counts as under way
        return answer.status_code, (answer.get_json(silent=True) or {}).get("code")


def test_what_is_signed_right_is_answered(ask: Ask, key, path):
    assert ask(path, arguments(key, path)) == (200, None)


def test_what_is_not_signed_right_is_refused(ask: Ask, key, path):
    right = arguments(key, path)
    past = int(time.time()) - 1
    assert ask(path) == (401, "signature_required")
    assert ask(path, arguments(key, path, exp=past)) == (401, "signature_expired")
    for wrong in (
        right | {"sig": right["sig"].swapcase()},
        right | {"sig": ""},
        right | {"exp": str(int(right["exp"]) + 1)},
        right | {"kid": "ghost"},
        arguments(key, path.replace("w_20", "w_21")),
        arguments(key, path, host="localhost"),
        arguments(key | {"secret": ""}, path),
        arguments(key, path, exp=int(time.time()) + 10 * 86_400),
    ):
        assert ask(path, wrong) == (401, "signature_invalid"), wrong


def test_a_host_that_is_not_served(ask: Ask, key, path):
    assert ask(path, arguments(key, path, host="evil.example"), host="evil.example") == (421, "unknown_host")
    public = path.replace("/priv/", "/pub/")
    assert ask(public, host="evil.example") == (421, "unknown_host")


def test_a_private_picture_is_not_there_under_pub(ask: Ask, key, path):
    public = path.replace("/priv/", "/pub/")
    assert ask(public) == ask(public, arguments(key, public)) == (404, "not_found")


def test_other_spellings_of_a_path(ask: Ask, key, path):
    for other in (path.replace("/img/", "//img/"), path.replace("/img/", "/./img/"), path.replace("w_20", "w%5F20")):
        assert ask(other, arguments(key, other)) == (400, "invalid_path")


@pytest.mark.parametrize(
    ("policy", "refused", "served"),
    [
        ({"presets_only": True}, "w_20.jpg", "info.json"),
        ({"allowed_operations": ["w"]}, "w_20-bw.jpg", "w_20.jpg"),
        ({"allowed_formats": ["png"]}, "w_20.jpg", "w_20.png"),
    ],
)
def test_a_policy_holds_without_an_edge(app: Flask, operator: Api, place, jpeg, policy, refused: str, served: str):
    asset = operator.upload(jpeg(), **place.fields, access="public").get_json()["id"]
    level = f"/v1/organizations/{place.organization}/tenants/{place.tenant}/policy"

    def get(name: str) -> tuple[int, str | None]:
        path = f"/v1/pub/{place.path}/img/{asset}/v1/{name}"
        return told(app.test_client().get(path, headers={"Host": HOST}))

    assert get(refused) == (200, None)
    assert operator("PUT", level, json=policy).status_code == 200
    until(lambda: get(refused) == (403, "policy_refused"))
    assert get(served) == (200, None)
