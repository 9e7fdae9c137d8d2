"""Signed URLs forged, bent and replayed against the running stack, whether their picture is cached or not."""

import time

import pytest
import requests

from mezzotint.services.links import signature
from tests.journeys.conftest import Home
from tests.journeys.waiting import until_status, until_told

FORGED = ["signature_invalid", "signature_required", "bad_request", "rate_limited"]


@pytest.fixture(scope="module", params=["cached", "not cached"])
def target(home: Home, request: pytest.FixtureRequest) -> str:
    """A private picture's own path."""
    asset = home.asset(seed=960 if request.param == "cached" else 961, access="private")
    url = home.url(asset, "w_45.jpg", access="priv")
    if request.param == "cached":
        until_status(home.sign(url), 200)
    return url.removeprefix(home.stack.base_url)


@pytest.fixture(scope="module")
def kids(home: Home) -> list[str]:
    """None of these may open anything: unknown, empty, strange, revoked."""
    revoked = home.post("/v1/signing-keys", home.owner).json()["kid"]
    assert home.post(f"/v1/signing-keys/{revoked}/revoke").status_code == 200
    return ["ghost", "", "*", "../k1", "k" * 300, revoked]


@pytest.mark.parametrize("secret", [b"", b"None", bytes(32), b"MY_SECURE_KEY"], ids=repr)
def test_no_guessable_secret_signs(home: Home, target: str, kids: list[str], secret: bytes):
    exp = int(time.time()) + 60
    sig = signature(secret, target, exp, "localhost", home.organization, home.tenant)
    for kid in kids:
        url = f"{home.stack.base_url}{target}?sig={sig}&exp={exp}&kid={kid}"
        answer = until_told(lambda url=url: requests.get(url))
        assert answer.json()["code"] in FORGED, (kid, answer.text)


@pytest.mark.parametrize(
    "exp",
    ["0", "-1", "1e10", "1e20", "99999999999", "+9", "%209", "9%20", "0x7fffffff", "%D9%A1", "", "9" * 400, "nan"],
)
def test_no_other_time_is_taken(home: Home, target: str, exp: str):
    url = home.sign(home.stack.base_url + target)
    right = dict(pair.split("=", 1) for pair in url.partition("?")[2].split("&"))
    bent = f"{home.stack.base_url}{target}?sig={right['sig']}&exp={exp}&kid={right['kid']}"
    assert requests.get(bent).json()["code"] in FORGED


def test_a_signature_is_for_one_thing_alone(home: Home, target: str):
    url = home.sign(home.stack.base_url + target)
    query = url.partition("?")[2]
    sig = query.partition("sig=")[2].partition("&")[0]
    for bent in (
        url.replace("w_45", "w_46"),
        url.replace("w_45.jpg", "w_45.png"),
        url.replace("w_45.jpg", "original.jpg"),
        url.replace("w_45.jpg", "info.json"),
        url.replace("w_45", "w_045"),
        url.replace("/v1/w_45", "/v2/w_45"),
        url.replace(sig, sig[:-1]),
        url.replace(sig, sig + "="),
        url.replace(sig, sig.swapcase()),
        url.replace(sig, ""),
        url.replace(sig, sig * 20),
        url + "&sig=" + sig,
        url + "&exp=1",
        url.partition("?")[0],
    ):
        answer = requests.get(bent)
        assert answer.status_code in (400, 401), (bent, answer.status_code)
        assert answer.json()["code"] in FORGED, (bent, answer.text)
        assert answer.headers["Cache-Control"] == "no-store"
    assert requests.get(url.replace("/v1/priv/", "/v1/pub/")).status_code == 404
    assert requests.get(url).status_code == 200
    assert requests.head(url).status_code == 200
    for method in ("POST", "PUT", "DELETE", "PURGE", "PATCH", "OPTIONS"):
        assert requests.request(method, url).status_code == 405, method
