"""Signing keys: rotated once however often one asks, with grace, and told to the edges."""

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from mezzotint.data.redis import connect
from mezzotint.model.errors import Conflict, InvalidField, NotFound
from mezzotint.model.policy import Policy
from mezzotint.model.signing import KeyStatus
from tests.published import content
from tests.servers.places import OPERATOR, settle


@pytest.fixture
def published(redis_url):
    """What edges read of a key."""
    with connect(redis_url) as client:
        yield lambda kid: content(client).keys[kid]


@pytest.fixture
def key(house, place):
    return house.signing_keys.create(OPERATOR, place.organization, place.tenant)[1]


def statuses(house, place):
    _, keys = house.signing_keys.page(OPERATOR, place.organization, place.tenant)
    return [key.status.value for key in keys]


def test_a_new_key_reaches_the_edges_sealed(house, place, published):
    level, key, secret = house.signing_keys.create(OPERATOR, place.organization, place.tenant)
    record = published(key.kid)
    assert (level.path, len(bytes.fromhex(secret))) == (f"{place.organization}/{place.tenant}", 32)
    assert (record["organization"], record["tenant"], record["status"]) == (place.organization, place.tenant, "active")
    assert base64.b64decode(record["secret"]) == key.sealed_secret
    assert bytes.fromhex(secret) not in key.sealed_secret


def test_rotation_gives_the_old_key_as_long_as_it_may_have_signed(house, place, key, published):
    house.policies.put(OPERATOR, place.organization, place.tenant, None, Policy(max_lifetime=7200))
    rotation = house.signing_keys.rotate(OPERATOR, key.kid)
    assert rotation.rotated
    assert abs(rotation.grace_until - datetime.now(UTC) - timedelta(seconds=7200)) < timedelta(minutes=1)
    assert published(key.kid)["status"] == "grace"
    assert published(key.kid)["grace_until"] == int(rotation.grace_until.timestamp())
    assert published(rotation.new.kid)["status"] == "active"


def test_rotating_twice_does_no_harm(house, place, key):
    first = house.signing_keys.rotate(OPERATOR, key.kid, grace=100)
    second = house.signing_keys.rotate(OPERATOR, key.kid, grace=999)
    assert (second.rotated, second.secret) == (False, None)
    assert second.new.kid == first.new.kid
    assert second.grace_until == first.grace_until
    assert statuses(house, place) == ["grace", "active"]


@pytest.mark.usefixtures("key")
def test_rotating_all_twice_does_no_harm(house, place):
    house.signing_keys.create(OPERATOR, place.organization, place.tenant)
    first = house.signing_keys.rotate_all(OPERATOR, place.organization, place.tenant)
    second = house.signing_keys.rotate_all(OPERATOR, place.organization, place.tenant)
    assert [rotation.rotated for rotation in first] == [True, True]
    assert [rotation.rotated for rotation in second] == [False, False]
    assert statuses(house, place) == ["grace", "grace", "active", "active"]


def test_rotating_at_once_makes_one_successor(house, place, key):
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(house.signing_keys.rotate, OPERATOR, key.kid) for _ in range(4)]
        rotations = [future.result() for future in futures]
    assert sorted(rotation.rotated for rotation in rotations) == [False, False, False, True]
    assert statuses(house, place) == ["grace", "active"]


@pytest.mark.usefixtures("key")
def test_a_rotation_whose_grace_is_over_may_be_followed_by_another(house, place):
    house.signing_keys.rotate_all(OPERATOR, place.organization, place.tenant, grace=0)
    (rotation,) = house.signing_keys.rotate_all(OPERATOR, place.organization, place.tenant, grace=0)
    assert rotation.rotated


def test_a_dry_run_changes_nothing(house, place, key):
    one = house.signing_keys.rotate(OPERATOR, key.kid, dry_run=True)
    (all_,) = house.signing_keys.rotate_all(OPERATOR, place.organization, place.tenant, dry_run=True)
    assert (one.rotated, one.new, all_.rotated, all_.new) == (True, None, True, None)
    assert statuses(house, place) == ["active"]


@pytest.mark.usefixtures("key")
def test_a_tenant_s_keys_and_its_organization_s_are_rotated_apart(house, place):
    _, shared, _ = house.signing_keys.create(OPERATOR, place.organization, None)
    (rotation,) = house.signing_keys.rotate_all(OPERATOR, place.organization, None)
    assert rotation.old.kid == shared.kid
    assert statuses(house, place) == ["active"]


def test_a_revoked_key_is_told_of_and_not_rotated(house, key, published):
    house.signing_keys.revoke(OPERATOR, key.kid)
    _, again = house.signing_keys.revoke(OPERATOR, key.kid)
    assert again.status is KeyStatus.REVOKED
    assert published(key.kid)["status"] == "revoked"
    with pytest.raises(Conflict):
        house.signing_keys.rotate(OPERATOR, key.kid)


@pytest.mark.parametrize("grace", [-1, 10**9])
def test_grace_has_bounds(house, key, grace):
    with pytest.raises(InvalidField):
        house.signing_keys.rotate(OPERATOR, key.kid, grace=grace)


def test_another_s_key_is_not_found(house, place, key, tenant_caller):
    _, shared, _ = house.signing_keys.create(OPERATOR, place.organization, None)
    stranger, own = tenant_caller(settle(house, place.organization)), tenant_caller(place)
    for caller, kid in [(stranger, key.kid), (stranger, "nothing"), (stranger, shared.kid), (own, shared.kid)]:
        with pytest.raises(NotFound):
            house.signing_keys.rotate(caller, kid)
        with pytest.raises(NotFound):
            house.signing_keys.revoke(caller, kid)
    assert house.signing_keys.rotate(own, key.kid).rotated
