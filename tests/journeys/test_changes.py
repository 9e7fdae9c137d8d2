"""What changes behind a URL: presets, invalidation, deletion; within a second, and here: in the end."""

import requests

from tests.journeys.conftest import Home
from tests.journeys.test_main_job import size_of
from tests.journeys.waiting import until, until_status


def test_a_preset_is_made_used_changed_and_gone(home: Home):
    asset = home.asset(seed=31)
    base = home.stack.base_url
    made = home.post("/v1/presets", {**home.place, "name": "card", "operations": "w_120-h_90-f_cover"})
    assert made.status_code == 201, made.text
    url = home.url(asset, "preset_card.jpg")
    first = until_status(url, 200)
    assert size_of(first) == (120, 90)
    assert first.headers["Cache-Control"] == "public, max-age=3600, stale-while-revalidate=86400"
    assert size_of(requests.get(home.url(asset, "preset_card-w_60.jpg"))) == (60, 90)
    assert requests.get(url).headers["X-Cache"] == "HIT"
    preset = f"{base}/v1/presets/{made.json()['id']}"
    assert home.stack.control.patch(preset, json={"operations": "w_50-h_50"}).status_code == 200
    until(lambda: size_of(requests.get(url)) == (50, 50))
    assert home.stack.control.delete(preset).status_code == 204
    gone = until_status(url, 404)
    assert gone.json()["code"] == "not_found"


def test_the_nearest_preset_wins(home: Home):
    asset = home.asset(seed=32)
    for owner, width in ((home.place, 30), (home.owner, 40), ({"organization": home.organization}, 50)):
        answer = home.post("/v1/presets", {**owner, "name": "near", "operations": f"w_{width}"})
        assert answer.status_code == 201, answer.text
    until(lambda: size_of(requests.get(home.url(asset, "preset_near.png")))[0] == 30)


def test_invalidation_is_a_miss_and_then_a_hit(home: Home):
    asset = home.asset(seed=33)
    url = home.url(asset, "w_44.jpg")
    requests.get(url)
    assert requests.get(url).headers["X-Cache"] == "HIT"
    assert home.post(f"/v1/assets/{asset['id']}/invalidate").status_code == 200
    until(lambda: requests.get(url).headers["X-Cache"] == "MISS")
    assert requests.get(url).headers["X-Cache"] == "HIT"


def test_a_deleted_asset_is_gone_from_every_cache(home: Home):
    asset = home.asset(seed=34)
    urls = [home.url(asset, "w_45.jpg"), home.url(asset, "info.json")]
    for url in urls * 2:
        assert requests.get(url).status_code == 200
    assert home.stack.control.delete(f"{home.stack.base_url}/v1/assets/{asset['id']}").status_code == 204
    for url in urls:
        until(lambda url=url: requests.get(url).status_code == 404)
    assert home.asset(seed=34)["id"] != asset["id"]


def test_a_policy_is_in_force_at_once(home: Home):
    asset = home.asset(seed=35)
    level = (
        f"{home.stack.base_url}/v1/organizations/{home.organization}/tenants/{home.tenant}/spaces/{home.space}/policy"
    )
    assert home.stack.control.put(level, json={"allowed_operations": ["w"], "max_side": 300}).status_code == 200
    refused = until_status(home.url(asset, "w_46-bw.jpg"), 403)
    assert (refused.status_code, refused.json()["code"]) == (403, "policy_refused")
    assert requests.get(home.url(asset, "w_301.jpg")).json()["code"] == "invalid_operation"
    assert requests.get(home.url(asset, "w_299.jpg")).status_code == 200
    assert home.stack.control.put(level, json={}).status_code == 200
    until(lambda: requests.get(home.url(asset, "w_47-bw.jpg")).status_code == 200)
