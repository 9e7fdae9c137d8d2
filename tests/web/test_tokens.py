"""Access tokens: less than their API key, shorter than their API key, and dead with it."""

import base64
import json

import jwt
import pytest
from werkzeug.test import TestResponse

from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.services.caller import SCOPES
from tests.web.conftest import Api


@pytest.fixture
def token(tenant):
    def issue(*scopes: str, **fields) -> str:
        answer = tenant("POST", "/v1/tokens", json={"scopes": scopes, **fields})
        assert answer.status_code == 201, answer.get_json()
        return answer.get_json()["token"]

    return issue


def get(app, token: str, path: str = "/v1/presets"):
    return app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})


def test_a_token_allows_its_scopes_alone(app, token, problem):
    given = token("presets:read")
    assert get(app, given).status_code == 200
    problem(get(app, given, "/v1/api-keys"), 403, "forbidden")


def test_a_token_reaches_no_further_than_its_key(app, token, stranger, problem):
    problem(get(app, token("tenancy:read"), f"/v1/organizations/{stranger.organization}"), 404, "not_found")


def test_a_key_gives_only_what_it_has(api, place, problem):
    small = api(place.organization, place.tenant, ["tokens", "presets:read"])
    problem(small("POST", "/v1/tokens", json={"scopes": ["presets:write"]}), 403, "forbidden")
    problem(small("POST", "/v1/tokens", json={"scopes": []}), 422, "invalid_field", "scopes")
    problem(
        small("POST", "/v1/tokens", json={"scopes": ["presets:read"], "lifetime": 3601}),
        422,
        "invalid_field",
        "lifetime",
    )


@pytest.mark.parametrize("scope", ["tokens", "keys:write"])
def test_a_token_makes_nothing_that_outlives_it(tenant, problem, scope):
    problem(tenant("POST", "/v1/tokens", json={"scopes": [scope]}), 422, "invalid_field", "scopes")


def test_a_token_ends_with_its_key(app, operator, place, problem):
    made = operator(
        "POST", "/v1/api-keys", json={"name": "k", "organization": place.organization, "scopes": list(SCOPES)}
    ).get_json()
    given = Api(app, made["key"])("POST", "/v1/tokens", json={"scopes": ["presets:read"]}).get_json()["token"]
    assert get(app, given, "/v1/api-keys").status_code == 403
    operator("DELETE", f"/v1/api-keys/{made['id']}")
    problem(get(app, given, "/v1/api-keys"), 401, "unauthorized")


def test_nothing_but_our_own_tokens_is_taken(app, token, problem):
    good = token("presets:read")
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})

    def part(document: dict) -> str:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()

    forged = [
        jwt.encode(claims, "", "none"),
        jwt.encode(claims, "x" * 32, "HS256"),
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        f"{part({'alg': 'HS512', 'typ': 'JWT'})}.{body}.{signature}",
        f"{head}.{part(claims | {'scopes': ['keys:write']})}.{signature}",
        f"{head}.{body}.{signature[:-2]}",
        f"{head}.{body}",
        "é.é.é",
        "a" * 100_000,
    ]
    for token_given in forged:
        answer = app.test_client().get("/v1/presets", headers={"X-API-Key": token_given.encode().decode("latin-1")})
        problem(answer, 401, "unauthorized")


def test_every_claim_is_asked_for(app, house, token, problem):
    """Tokens that our own key has signed, which no code of ours would."""
    claims = jwt.decode(token("presets:read"), options={"verify_signature": False})

    def get_with(**changes: object) -> TestResponse:
        changed = {name: value for name, value in (claims | changes).items() if value is not None}
        return get(app, jwt.encode(changed, house.tokens._key, "HS256"))

    assert get_with().status_code == 200
    for changes in (
        {"exp": None}, {"exp": 1}, {"exp": "soon"}, {"exp": float("nan")}, {"iat": None}, {"iat": claims["iat"] + 9999},
        {"aud": None}, {"aud": "another"}, {"sub": None}, {"sub": "../../x"}, {"sub": [claims["sub"]]},
        {"sub": to_ulid(new_id())}, {"scopes": None}, {"scopes": 5}, {"nbf": claims["exp"] + 9999},
    ):  # fmt: skip
        problem(get_with(**changes), 401, "unauthorized")
