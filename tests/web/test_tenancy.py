"""Organizations, tenants, spaces and their policies."""

import pytest


def test_from_organization_to_space(operator):
    made = operator("POST", "/v1/organizations", json={"slug": "first", "name": "First & Co"})
    assert (made.status_code, made.get_json()["path"], made.get_json()["name"]) == (201, "first", "First & Co")
    assert operator("POST", "/v1/organizations/first/tenants", json={"slug": "shop"}).get_json()["path"] == "first/shop"
    space = operator("POST", "/v1/organizations/first/tenants/shop/spaces", json={"slug": "shoes"})
    assert (space.status_code, space.get_json()["path"], space.get_json()["name"]) == (201, "first/shop/shoes", "shoes")
    for path in ("first", "first/tenants/shop", "first/tenants/shop/spaces/shoes"):
        assert operator("GET", f"/v1/organizations/{path}").get_json()["slug"] == path.rpartition("/")[2]
        assert operator("DELETE", f"/v1/organizations/{path}").status_code == 204 if path.count("/") == 4 else True
    assert operator("GET", "/v1/organizations/first/tenants/shop/spaces").get_json()["items"] == []
    assert operator("DELETE", "/v1/organizations/first/tenants/shop").status_code == 204
    assert operator("DELETE", "/v1/organizations/first").status_code == 204
    assert operator("GET", "/v1/organizations/first").status_code == 404


def test_slugs_are_for_good(operator, place, problem):
    operator("DELETE", f"/v1/organizations/{place.organization}/tenants/{place.tenant}")
    again = operator("POST", f"/v1/organizations/{place.organization}/tenants", json={"slug": place.tenant})
    problem(again, 409, "conflict", "slug")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"slug": "-a"}, 422, "invalid_field", "slug"),
        ({"slug": "A"}, 422, "invalid_field", "slug"),
        ({"slug": "a" * 101}, 422, "invalid_field", "slug"),
        ({"slug": 7}, 422, "invalid_field", "slug"),
        ({}, 422, "invalid_field", "slug"),
        ({"slug": "a", "name": "x" * 201}, 422, "invalid_field", "name"),
        ({"slug": "a", "plan": "gold"}, 422, "invalid_field", "plan"),
        ([], 422, "invalid_field", None),
    ],
)
def test_wrong_fields_are_named(operator, problem, body, status, code, field):
    problem(operator("POST", "/v1/organizations", json=body), status, code, field)


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 100_000])
def test_a_body_is_json(operator, problem, data):
    problem(operator("POST", "/v1/organizations", data=data), 400, "bad_request")


def test_a_body_has_bounds(operator, problem):
    problem(operator("POST", "/v1/organizations", data=b" " * 300_000), 413, "upload_too_large")


def test_what_a_tenant_s_key_may_not(tenant, place, problem):
    path = f"/v1/organizations/{place.organization}"
    problem(tenant("POST", "/v1/organizations", json={"slug": "x"}), 403, "forbidden")
    problem(tenant("DELETE", path), 403, "forbidden")
    problem(tenant("POST", f"{path}/tenants", json={"slug": "x"}), 403, "forbidden")
    problem(tenant("DELETE", f"{path}/tenants/{place.tenant}"), 403, "forbidden")
    problem(tenant("PUT", f"{path}/policy", json={}), 403, "forbidden")


def test_a_key_sees_its_own_alone(tenant, api, place, neighbour):
    path = f"/v1/organizations/{place.organization}"
    slugs = lambda answer: [item["slug"] for item in answer.get_json()["items"]]  # noqa: E731
    assert slugs(tenant("GET", "/v1/organizations")) == [place.organization]
    assert slugs(tenant("GET", f"{path}/tenants")) == [place.tenant]
    assert slugs(api(place.organization)("GET", f"{path}/tenants")) == [place.tenant, neighbour.tenant]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_others_are_not_found_like_what_is_missing(tenant, neighbour, stranger, method):
    mine = f"/v1/organizations/{neighbour.organization}"
    paths = [f"{mine}/tenants/{neighbour.tenant}/spaces/{neighbour.space}", f"{mine}/tenants/no/spaces/no"]
    paths += [f"/v1/organizations/{stranger.organization}/tenants/{stranger.tenant}/spaces/{stranger.space}"]
    answers = [tenant(method, path).get_json() | {"request_id": None} for path in paths]
    assert [answer["status"] for answer in answers] == [404] * 3
    assert all(answer == answers[0] for answer in answers)


def test_policies_are_inherited(operator, place):
    organization = f"/v1/organizations/{place.organization}"
    space = f"{organization}/tenants/{place.tenant}/spaces/{place.space}/policy"
    operator("PUT", f"{organization}/policy", json={"max_lifetime": 600, "default_access": "private"})
    told = operator("PUT", space, json={"max_lifetime": 60, "allowed_formats": ["jpg", "webp"]}).get_json()
    assert told == operator("GET", space).get_json()
    assert (told["own"]["max_lifetime"], told["own"]["default_access"]) == (60, None)
    assert (told["effective"]["max_lifetime"], told["effective"]["default_access"]) == (60, "private")
    assert told["effective"]["allowed_formats"] == ["jpg", "webp"]
    assert told["effective"]["max_side"] == 8192
    assert operator("PUT", space, json={}).get_json()["effective"]["max_lifetime"] == 600


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"max_side": 0}, "max_side"),
        ({"max_side": 9000}, "max_side"),
        ({"max_lifetime": "60"}, "max_lifetime"),
        ({"max_lifetime": 1.5}, "max_lifetime"),
        ({"presets_only": 1}, "presets_only"),
        ({"default_access": "secret"}, "default_access"),
        ({"allowed_formats": ["tiff"]}, "allowed_formats"),
        ({"allowed_operations": ["w", "explode"]}, "allowed_operations"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_policies_are_held_to_their_values(operator, place, problem, body, field):
    problem(operator("PUT", f"/v1/organizations/{place.organization}/policy", json=body), 422, "invalid_field", field)


def test_lists_have_pages(place, operator):
    path = f"/v1/organizations/{place.organization}/tenants/{place.tenant}/spaces"
    for slug in ("a", "b", "c"):
        operator("POST", path, json={"slug": slug})
    first = operator("GET", f"{path}?limit=2").get_json()
    second = operator("GET", f"{path}?limit=2&cursor={first['next']}").get_json()
    assert [item["slug"] for page in (first, second) for item in page["items"]] == [place.space, "a", "b", "c"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=501", "limit"), ("limit=x", "limit"), ("cursor=!", "cursor"),
     ("cursor=AAAA", "cursor"), ("limit=1&limit=2", "limit"), ("page=2", "page")],
)  # fmt: skip
def test_wrong_queries_are_named(operator, problem, query, field):
    problem(operator("GET", f"/v1/organizations?{query}"), 422, "invalid_field", field)
