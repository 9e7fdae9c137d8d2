"""Signing URLs, signing keys and API keys over HTTP."""

from urllib.parse import parse_qs, urlsplit

import pytest

from mezzotint.services.links import signature


@pytest.fixture
def key(tenant):
    return tenant("POST", "/v1/signing-keys", json={}).get_json()


@pytest.fixture
def asset(tenant, place, jpeg):
    return tenant.upload(jpeg(), space=place.space).get_json()["id"]


def test_a_url_is_signed(tenant, place, key, asset):
    path = f"/v1/priv/{place.path}/img/{asset}/v1/w_100.jpg"
    for body in ({"url": path}, {"url": f"http://img.example.com:8080{path}?sig=x"}):
        told = tenant("POST", "/v1/sign", json=body | {"lifetime": 60}).get_json()
        right = signature(
            bytes.fromhex(key["secret"]), path, told["exp"], "img.example.com", place.organization, place.tenant
        )
        assert (told["sig"], told["kid"]) == (right, key["kid"])
        assert parse_qs(urlsplit(told["url"]).query) == {"sig": [right], "exp": [str(told["exp"])], "kid": [key["kid"]]}


@pytest.mark.usefixtures("key")
def test_an_asset_is_signed(tenant, place, asset):
    for operations, ext, name in [
        ("w_9.5", "jpeg", "fmt_jpg-w_9-q_85.jpg"),
        ("info", "json", "info.json"),
        ("original", "jpg", "original.jpg"),
    ]:
        told = tenant(
            "POST", "/v1/sign", json={"asset": asset.lower(), "operations": operations, "ext": ext}
        ).get_json()
        assert urlsplit(told["url"]).path == f"/v1/priv/{place.path}/img/{asset}/v1/{name}"


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 422, "invalid_field", "url"),
        ({"url": "/v1/x", "asset": "ASSET"}, 422, "invalid_field", "url"),
        ({"asset": "ASSET", "operations": "w_1"}, 422, "invalid_field", "url"),
        ({"url": 1}, 422, "invalid_field", "url"),
        ({"url": "/v1/nothing"}, 400, "invalid_path", None),
        ({"url": "/v1/priv/" + "a" * 2000}, 414, "path_too_long", None),
        ({"asset": "ASSET", "operations": "w_0", "ext": "jpg"}, 400, "invalid_operation", "operations"),
        ({"asset": "ASSET", "operations": "w_1", "ext": "exe"}, 400, "invalid_operation", "ext"),
        ({"asset": "ASSET", "operations": "w_1", "ext": "jpg", "lifetime": 0}, 422, "invalid_field", "lifetime"),
        ({"asset": "ASSET", "operations": "w_1", "ext": "jpg", "version": 2}, 404, "not_found", None),
        ({"asset": "01JBXYZ7N8Q4W2V6M3K5T9R0AE", "operations": "w_1", "ext": "jpg"}, 404, "not_found", None),
    ],
)
@pytest.mark.usefixtures("key")
def test_what_can_t_be_signed_is_named(tenant, asset, problem, body, status, code, field):
    body = {name: asset if value == "ASSET" else value for name, value in body.items()}
    problem(tenant("POST", "/v1/sign", json=body), status, code, field)


def test_without_a_key_there_is_a_conflict(tenant, asset, problem):
    problem(tenant("POST", "/v1/sign", json={"asset": asset, "operations": "w_1", "ext": "jpg"}), 409, "conflict")


def test_a_signing_key_s_life(tenant, place, key):
    assert (key["status"], key["owner"], len(key["secret"])) == ("active", f"{place.organization}/{place.tenant}", 64)
    path = f"/v1/signing-keys/{key['kid']}"
    first = tenant("POST", f"{path}/rotate", json={"grace": 100}).get_json()
    second = tenant("POST", f"{path}/rotate").get_json()
    assert (first["rotated"], second["rotated"]) == (True, False)
    assert (second["successor"], second["grace_until"]) == (first["successor"], first["grace_until"])
    assert "secret" in first
    assert "secret" not in second
    listed = tenant("GET", "/v1/signing-keys").get_json()["items"]
    assert [(item["kid"], item["status"]) for item in listed] == [(key["kid"], "grace"), (first["successor"], "active")]
    assert not any("secret" in item for item in listed)
    assert tenant("POST", f"{path}/revoke").get_json()["status"] == "revoked"


def test_another_s_signing_key_is_not_found(api, neighbour, key, problem):
    other = api(neighbour.organization, neighbour.tenant)
    for verb in ("rotate", "revoke"):
        problem(other("POST", f"/v1/signing-keys/{key['kid']}/{verb}"), 404, "not_found")


def test_an_api_key_s_life(tenant, place):
    made = tenant("POST", "/v1/api-keys", json={"name": "reader", "scopes": ["assets:read"]})
    key = made.get_json()
    assert (made.status_code, key["name"], key["scopes"]) == (201, "reader", ["assets:read"])
    one = type(tenant)(tenant.app, key["key"])
    assert one("GET", f"/v1/assets?space={place.space}").status_code == 200
    listed = tenant("GET", "/v1/api-keys").get_json()["items"]
    assert key["id"] in [item["id"] for item in listed]
    assert not any("key" in item or "secret_hash" in item for item in listed)


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"scopes": ["sign"]}, 422, "invalid_field", "name"),
        ({"name": "k", "scopes": ["everything"]}, 422, "invalid_field", "scopes"),
        ({"name": "k", "scopes": "sign"}, 422, "invalid_field", "scopes"),
        ({"name": "k", "scopes": ["sign"], "expires_at": "2020-01-01T00:00:00Z"}, 422, "invalid_field", "expires_at"),
        ({"name": "k", "scopes": ["sign"], "expires_at": "soon"}, 422, "invalid_field", "expires_at"),
        ({"name": "k", "scopes": ["sign"], "operator": True}, 403, "forbidden", None),
        ({"name": "k", "scopes": ["sign"], "organization": "another"}, 404, "not_found", None),
    ],
)
def test_what_is_wrong_with_an_api_key_is_named(tenant, problem, body, status, code, field):
    problem(tenant("POST", "/v1/api-keys", json=body), status, code, field)


def test_secrets_are_in_no_log(tenant, capfd):
    made = tenant("POST", "/v1/api-keys", json={"name": "k", "scopes": ["sign"]}).get_json()
    key = tenant("POST", "/v1/signing-keys", json={}).get_json()
    printed = "".join(capfd.readouterr())
    assert made["key"].partition(".")[2] not in printed
    assert key["secret"] not in printed
    assert tenant.token.partition(".")[2] not in printed
