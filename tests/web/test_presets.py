"""Presets over HTTP."""

import pytest


@pytest.fixture
def create(tenant):
    return lambda **body: tenant("POST", "/v1/presets", json={"name": "thumb", "operations": "h_20-w_10"} | body)


def test_a_preset_s_life(tenant, place, create):
    made = create(auto_generate=True, match_tags=["hero"], space=place.space)
    preset = made.get_json()
    assert (made.status_code, preset["owner"], preset["operations"]) == (201, place.path, "w_10-h_20")
    path = f"/v1/presets/{preset['id']}"
    assert tenant("GET", path).get_json() == preset
    changed = tenant("PATCH", path, json={"operations": "bw", "match_tags": []}).get_json()
    assert (changed["operations"], changed["match_tags"], changed["auto_generate"]) == ("bw", [], True)
    assert tenant("DELETE", path).status_code == 204
    assert tenant("GET", path).status_code == 404
    assert create(space=place.space).status_code == 201


def test_each_level_lists_its_own(tenant, api, place, create):
    create(space=place.space, name="inner")
    create(name="outer")
    api(place.organization)("POST", "/v1/presets", json={"name": "all", "operations": "bw"})
    names = lambda key, query: [item["name"] for item in key("GET", f"/v1/presets?{query}").get_json()["items"]]  # noqa: E731
    assert names(tenant, f"space={place.space}") == ["inner"]
    assert names(tenant, "") == ["outer"]
    assert names(api(place.organization), "") == ["all"]


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"operations": "explode"}, 400, "invalid_operation", "operations"),
        ({"operations": "dpr_2-w_1"}, 400, "invalid_operation", "operations"),
        ({"operations": "preset_x"}, 400, "invalid_operation", "operations"),
        ({"name": "A"}, 422, "invalid_field", "name"),
        ({"auto_generate": "yes"}, 422, "invalid_field", "auto_generate"),
        ({"match_tags": [1]}, 422, "invalid_field", "match_tags.0"),
        ({"colour": "red"}, 422, "invalid_field", "colour"),
        ({"space": "nowhere"}, 404, "not_found", None),
    ],
)
def test_what_is_wrong_is_named(create, problem, body, status, code, field):
    problem(create(**body), status, code, field)


def test_a_name_is_taken_once_a_level(create, problem):
    create()
    problem(create(), 409, "conflict", "name")


def test_another_s_preset_is_not_found(api, neighbour, create, problem):
    path = f"/v1/presets/{create().get_json()['id']}"
    other = api(neighbour.organization, neighbour.tenant)
    for method in ("GET", "PATCH", "DELETE"):
        problem(other(method, path), 404, "not_found")
