"""Signatures as the contract writes them, and the URLs that are made of them."""

from urllib.parse import parse_qs, urlsplit

import pytest

from mezzotint.model.asset import Access
from mezzotint.model.errors import Conflict, InvalidField, InvalidOperation, InvalidPath, NotFound
from mezzotint.model.identifiers import to_ulid
from mezzotint.model.policy import Policy
from mezzotint.services import links as service
from mezzotint.services.links import signature
from tests.servers.places import OPERATOR, settle
from tests.vectors import vectors

NOW = 1_800_000_000


@pytest.mark.parametrize("case", vectors("signing"), ids=lambda case: case["sig"][:8])
def test_vectors(case):
    sig = signature(
        bytes.fromhex(case["secret_hex"]),
        case["path"],
        case["exp"],
        case["hostname"],
        case["organization"],
        case["tenant"],
    )
    assert sig == case["sig"]


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setattr(service.time, "time", lambda: float(NOW))
    return NOW


@pytest.fixture
def key(house, place):
    """The place's signing key and its secret."""
    _, key, secret = house.signing_keys.create(OPERATOR, place.organization, place.tenant)
    return key, bytes.fromhex(secret)


def path_of(place, asset, name="w_64.jpg", version=1):
    return f"/v1/priv/{place.path}/img/{to_ulid(asset.id)}/v{version}/{name}"


def test_a_path_is_signed_as_it_stands(house, place, upload, key, now):
    asset = upload(place).located.asset
    path = path_of(place, asset, "h_0010-w_64.9.jpeg")
    signed = house.links.sign(OPERATOR, path, lifetime=60)
    expected = signature(key[1], path, now + 60, "img.example.com", place.organization, place.tenant)
    assert (signed.kid, signed.exp, signed.sig) == (key[0].kid, now + 60, expected)
    assert signed.url == f"http://img.example.com:8080{path}?sig={expected}&exp={now + 60}&kid={key[0].kid}"


@pytest.mark.usefixtures("now")
def test_a_url_keeps_its_host_and_loses_its_old_signature(house, place, upload, key):
    path = path_of(place, upload(place).located.asset)
    signed = house.links.sign(OPERATOR, f"https://LOCALHOST:8443{path}?sig=old&exp=1&kid=k")
    parts = urlsplit(signed.url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "localhost:8443", path)
    assert parse_qs(parts.query) == {"sig": [signed.sig], "exp": [str(signed.exp)], "kid": [signed.kid]}
    assert signed.sig == signature(key[1], path, signed.exp, "localhost", place.organization, place.tenant)


@pytest.mark.usefixtures("key")
def test_an_asset_s_canonical_url_is_signed(house, place, upload):
    asset = upload(place).located.asset
    signed = house.links.sign_asset(OPERATOR, asset.id, "h_48-w_64", "jpeg")
    assert urlsplit(signed.url).path == path_of(place, asset, "fmt_jpg-w_64-h_48-f_cover-q_85.jpg")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(("asked", "given"), [(None, 1200), (60, 60), (10**9, 7200)])
def test_the_policy_sets_lifetimes(house, place, upload, now, asked, given):
    house.policies.put(
        OPERATOR, place.organization, place.tenant, None, Policy(default_lifetime=1200, max_lifetime=7200)
    )
    path = path_of(place, upload(place).located.asset)
    assert house.links.sign(OPERATOR, path, lifetime=asked).exp == now + given


@pytest.mark.usefixtures("key")
def test_a_space_can_t_outlive_what_the_key_s_owner_allows(house, place, upload, now):
    # An edge refuses what lies further ahead than the key may sign for.
    house.policies.put(OPERATOR, *place.fields.values(), Policy(max_lifetime=10**6))
    path = path_of(place, upload(place).located.asset)
    assert house.links.sign(OPERATOR, path, lifetime=10**6).exp == now + 86_400


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda path: path.replace("/priv/", "/pub/"), InvalidField),
        (lambda path: path.replace("w_64", "w_0"), InvalidOperation),
        (lambda path: path.replace("/v1/priv", "/v1//priv"), InvalidPath),
        (lambda path: path.replace("w_64", "%77_64"), InvalidPath),
        (lambda path: f"https://other.example.com{path}", InvalidField),
        (lambda path: f"https://localhost@evil.example.com{path}", InvalidField),
        (lambda path: f"https://img.example.com:x{path}", InvalidField),
        (lambda path: path.replace("/v1/w_64", "/v2/w_64"), NotFound),
    ],
    ids=["public", "operation", "slashes", "percent", "host", "user", "port", "version"],
)
def test_what_can_t_be_signed(house, place, upload, change, refusal):
    path = path_of(place, upload(place).located.asset)
    with pytest.raises(refusal):
        house.links.sign(OPERATOR, change(path))


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("lifetime", [0, -1])
def test_a_lifetime_is_positive(house, place, upload, lifetime):
    with pytest.raises(InvalidField):
        house.links.sign(OPERATOR, path_of(place, upload(place).located.asset), lifetime=lifetime)


def test_without_a_key_nothing_is_signed(house, place, upload):
    with pytest.raises(Conflict):
        house.links.sign(OPERATOR, path_of(place, upload(place).located.asset))


@pytest.mark.usefixtures("key")
def test_another_tenant_s_path_is_not_found(house, place, upload, tenant_caller):
    stranger = tenant_caller(settle(house, place.organization))
    asset = upload(place).located.asset
    with pytest.raises(NotFound) as theirs:
        house.links.sign(stranger, path_of(place, asset))
    with pytest.raises(NotFound) as missing:
        house.links.sign(stranger, path_of(place, asset).replace(place.tenant, "nobody"))
    assert theirs.value.detail == missing.value.detail


@pytest.mark.usefixtures("key")
def test_the_urls_of_a_public_asset(house, place, upload):
    located = upload(place).located
    (links,) = house.links.of(OPERATOR, located.place, [located.asset])
    assert links.picture == links.template.format(operations="fmt_auto", ext="jpg")
    assert links.info == links.template.format(operations="info", ext="json")
    assert "/v1/pub/" in links.picture
    assert "/v1/priv/" in links.original
    assert "original.jpg?sig=" in links.original


@pytest.mark.usefixtures("key")
def test_the_urls_of_a_private_asset_are_signed(house, place, upload):
    located = upload(place, access=Access.PRIVATE).located
    (links,) = house.links.of(OPERATOR, located.place, [located.asset])
    assert all("/v1/priv/" in url and "sig=" in url for url in (links.picture, links.info, links.original))


@pytest.mark.usefixtures("key")
def test_who_may_not_sign_sees_no_signature(house, place, upload):
    _, token = house.api_keys.create(OPERATOR, place.organization, place.tenant, "reader", ["assets:read"])
    located = upload(place, access=Access.PRIVATE).located
    (links,) = house.links.of(house.api_keys.authenticate(token), located.place, [located.asset])
    assert (links.picture, links.info, links.original, links.exp) == (None, None, None, None)
