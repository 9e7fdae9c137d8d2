"""API keys at the door of every endpoint."""

import pytest
import structlog

from mezzotint.services.caller import SCOPES

ULID = "01JBXYZ7N8Q4W2V6M3K5T9R0AE"
TENANT = "/v1/organizations/acme/tenants/website"
ENDPOINTS = [
    ("POST", "/v1/organizations", "tenancy:write"),
    ("GET", "/v1/organizations", "tenancy:read"),
    ("GET", "/v1/organizations/acme", "tenancy:read"),
    ("DELETE", "/v1/organizations/acme", "tenancy:write"),
    ("POST", "/v1/organizations/acme/tenants", "tenancy:write"),
    ("GET", "/v1/organizations/acme/tenants", "tenancy:read"),
    ("GET", TENANT, "tenancy:read"),
    ("DELETE", TENANT, "tenancy:write"),
    ("POST", f"{TENANT}/spaces", "tenancy:write"),
    ("GET", f"{TENANT}/spaces", "tenancy:read"),
    ("GET", f"{TENANT}/spaces/marketing", "tenancy:read"),
    ("DELETE", f"{TENANT}/spaces/marketing", "tenancy:write"),
    ("GET", "/v1/organizations/acme/policy", "tenancy:read"),
    ("PUT", "/v1/organizations/acme/policy", "tenancy:write"),
    ("GET", f"{TENANT}/policy", "tenancy:read"),
    ("PUT", f"{TENANT}/policy", "tenancy:write"),
    ("GET", f"{TENANT}/spaces/marketing/policy", "tenancy:read"),
    ("PUT", f"{TENANT}/spaces/marketing/policy", "tenancy:write"),
    ("POST", "/v1/assets", "assets:write"),
    ("GET", "/v1/assets", "assets:read"),
    ("GET", f"/v1/assets/{ULID}", "assets:read"),
    ("DELETE", f"/v1/assets/{ULID}", "assets:write"),
    ("POST", f"/v1/assets/{ULID}/versions", "assets:write"),
    ("POST", f"/v1/assets/{ULID}/invalidate", "assets:write"),
    ("POST", "/v1/uploads", "assets:write"),
    ("POST", f"/v1/uploads/{ULID}/complete", "assets:write"),
    ("POST", "/v1/presets", "presets:write"),
    ("GET", "/v1/presets", "presets:read"),
    ("GET", f"/v1/presets/{ULID}", "presets:read"),
    ("PATCH", f"/v1/presets/{ULID}", "presets:write"),
    ("DELETE", f"/v1/presets/{ULID}", "presets:write"),
    ("POST", "/v1/sign", "sign"),
    ("POST", "/v1/tokens", "tokens"),
    ("POST", "/v1/signing-keys", "keys:write"),
    ("GET", "/v1/signing-keys", "keys:read"),
    ("POST", "/v1/signing-keys/k1/rotate", "keys:write"),
    ("POST", "/v1/signing-keys/k1/revoke", "keys:write"),
    ("POST", "/v1/api-keys", "keys:write"),
    ("GET", "/v1/api-keys", "keys:read"),
    ("DELETE", f"/v1/api-keys/{ULID}", "keys:write"),
]


def test_every_endpoint_is_held_to_these_rules(app):
    routes = app.url_map.bind("localhost")
    asked = {(method, routes.match(path, method)[0]) for method, path, _ in ENDPOINTS}
    there = {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].__module__.startswith("mezzotint.web.api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert there == asked | {("GET", "caller.read")}


@pytest.mark.parametrize(("method", "path"), [endpoint[:2] for endpoint in ENDPOINTS] + [("GET", "/v1/caller")])
def test_without_a_key_nothing_opens(app, problem, method, path):
    for headers in (
        {},
        {"X-API-Key": "mzk_wrong"},
        {"Authorization": "Bearer mzk_x.y"},
        {"Authorization": "Basic eA=="},
    ):
        problem(app.test_client().open(path, method=method, headers=headers), 401, "unauthorized")


@pytest.mark.parametrize(("method", "path", "scope"), ENDPOINTS)
def test_a_key_without_the_scope_is_refused(api, place, problem, method, path, scope):
    noun = scope.partition(":")[0]
    others = [other for other in SCOPES if other.partition(":")[0] != noun]
    if scope.endswith(":write"):
        others.append(scope.replace(":write", ":read"))
    answer = api(place.organization, place.tenant, others)(method, path)
    problem(answer, 403, "forbidden")
    assert scope in answer.get_json()["detail"]


def test_a_caller_hears_what_he_may(api, place, problem):
    caller = api(place.organization, place.tenant, ["assets:write", "sign"])
    for query in ("", "?scope=assets:write", "?scope=assets:read", "?scope=sign"):
        answer = caller("GET", f"/v1/caller{query}")
        assert answer.get_json()["scopes"] == ["assets:write", "sign"]
    problem(caller("GET", "/v1/caller?scope=keys:read"), 403, "forbidden")
    problem(caller("GET", "/v1/caller?scope="), 403, "forbidden")
    problem(caller("GET", "/v1/caller?scopes=sign"), 422, "invalid_field", "scopes")


def test_both_headers_are_taken(app, tenant):
    client = app.test_client()
    for headers in ({"X-API-Key": tenant.token}, {"Authorization": f"Bearer {tenant.token}"}):
        answer = client.get("/v1/organizations", headers=headers)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


def test_a_revoked_key_opens_nothing(operator, place, problem):
    made = operator(
        "POST", "/v1/api-keys", json={"name": "k", "organization": place.organization, "scopes": ["keys:read"]}
    )
    assert made.status_code == 201
    key = made.get_json()
    one = type(operator)(operator.app, key["key"])
    assert one("GET", "/v1/api-keys").status_code == 200
    assert operator("DELETE", f"/v1/api-keys/{key['id']}").status_code == 204
    problem(one("GET", "/v1/api-keys"), 401, "unauthorized")


def test_no_key_in_a_path_is_logged(tenant):
    with structlog.testing.capture_logs() as lines:
        assert tenant("DELETE", f"/v1/api-keys/{tenant.token}").status_code == 404
    (line,) = (line for line in lines if line["event"] == "request")
    kept, _, secret = tenant.token.partition(".")
    assert line["path"] == f"/v1/api-keys/{kept}.…"
    assert secret not in str(lines)
