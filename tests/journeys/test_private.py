"""Private pictures: signed, cached, and verified on every hit."""

import time

import pytest
import requests

from tests.journeys.conftest import Home
from tests.journeys.waiting import until, until_status


@pytest.fixture(scope="module")
def private(home: Home):
    return home.asset(seed=21, access="private")


def code(answer: requests.Response) -> tuple[int, str]:
    document = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (document["status"], document["request_id"]) == (answer.status_code, answer.headers["X-Request-Id"])
    return answer.status_code, document["code"]


def test_a_private_picture_is_not_there_in_public(home: Home, private):
    hidden, unknown = (
        requests.get(home.url(private, "w_50.jpg")),
        requests.get(home.url({"id": "7" + "0" * 25}, "w_50.jpg")),
    )
    assert code(hidden) == code(unknown) == (404, "not_found")
    assert hidden.json()["detail"] == unknown.json()["detail"]


def test_all_signatures_of_a_picture_share_one_entry(home: Home, private):
    url = home.url(private, "w_60.jpg", access="priv")
    first, second = home.sign(url, lifetime=600), home.sign(url, lifetime=700)
    assert first != second
    assert until_status(first, 200).headers["X-Cache"] == "MISS"
    hit = requests.get(second)
    assert hit.headers["X-Cache"] == "HIT"
    cache_control = hit.headers["Cache-Control"]
    assert cache_control.startswith("private, max-age=")
    assert 600 < int(cache_control.rpartition("=")[2]) <= 700


def test_a_cached_picture_is_still_refused_without_a_right_signature(home: Home, private):
    url = home.sign(home.url(private, "w_61.jpg", access="priv"))
    assert requests.get(url).status_code == 200
    path, _, query = url.partition("?")
    arguments = dict(pair.split("=") for pair in query.split("&"))
    forged = "A" + arguments["sig"][1:] if arguments["sig"][0] != "A" else "B" + arguments["sig"][1:]
    assert code(requests.get(path)) == (401, "signature_required")
    assert code(requests.get(url.replace(arguments["sig"], forged))) == (401, "signature_invalid")
    assert code(requests.get(url.replace(arguments["sig"], arguments["sig"][:42]))) == (401, "signature_invalid")
    assert code(requests.get(url.replace(arguments["sig"], ""))) == (401, "signature_invalid")
    assert code(requests.get(url + "=")) == (401, "signature_invalid")
    assert code(requests.get(url.replace("w_61", "w_62"))) == (401, "signature_invalid")
    assert code(requests.get(url + "&sig=" + arguments["sig"])) == (400, "bad_request")
    assert code(requests.get(url, headers={"Host": "elsewhere.example"})) == (421, "unknown_host")


def test_a_signature_ends(home: Home, private):
    url = home.sign(home.url(private, "w_63.jpg", access="priv"), lifetime=1)
    requests.get(url)
    expired = until_status(url, 401)
    assert code(expired) == (401, "signature_expired")


def test_a_lifetime_is_cut_to_the_policy(home: Home, private):
    answer = home.post("/v1/sign", {"url": home.url(private, "w_64.jpg", access="priv"), "lifetime": 10**8}).json()
    assert answer["exp"] <= time.time() + 86_400 + 1


def test_rotation_keeps_old_links_and_revocation_ends_them_while_cached(home: Home, private):
    url = home.url(private, "w_65.jpg", access="priv")
    old = home.sign(url)
    kid = dict(pair.split("=") for pair in old.partition("?")[2].split("&"))["kid"]
    rotated = home.post(f"/v1/signing-keys/{kid}/rotate")
    assert rotated.status_code == 200, rotated.text
    new = home.sign(url)
    assert f"kid={kid}" not in new
    assert requests.get(old).status_code == 200
    assert until(lambda: requests.get(new).status_code == 200)
    assert home.post(f"/v1/signing-keys/{kid}/revoke").status_code == 200
    refused = until_status(old, 401)
    assert code(refused) == (401, "signature_invalid")
    assert requests.get(new).headers["X-Cache"] == "HIT"


def test_a_key_of_another_tenant_opens_nothing(home: Home, private):
    organization = f"{home.organization}-other"
    for path, body in (
        ("/v1/organizations", {"slug": organization, "name": "Other"}),
        (f"/v1/organizations/{organization}/tenants", {"slug": "web", "name": "Web"}),
        (f"/v1/organizations/{organization}/tenants/web/spaces", {"slug": "main", "name": "Main"}),
        ("/v1/signing-keys", {"organization": organization, "tenant": "web"}),
    ):
        assert home.post(path, body).status_code == 201
    elsewhere = Home(home.stack, organization, "web", "main")
    own = elsewhere.sign(elsewhere.url(elsewhere.asset(seed=22, access="private"), "w_66.jpg", access="priv"))
    arguments = own.partition("?")[2]
    assert code(requests.get(home.url(private, "w_66.jpg", access="priv") + "?" + arguments)) == (
        401,
        "signature_invalid",
    )
    assert code(requests.get(elsewhere.url(private, "w_66.jpg"))) == (404, "not_found")
