"""API keys: one message for all that may be wrong, revoked in seconds, never more than their maker's."""

from datetime import UTC, datetime, timedelta

import pytest

from mezzotint.model.errors import Forbidden, InvalidField, NotFound, Unauthorized
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.services import api_keys as service
from mezzotint.services.api_keys import ApiKeys
from mezzotint.services.recent import Recent
from tests.servers.places import OPERATOR, settle


@pytest.fixture
def made(house, place):
    return house.api_keys.create(OPERATOR, place.organization, place.tenant, "a test", ["assets:write"])


def test_a_token_opens_what_it_was_made_for(house, made):
    key, token = made
    caller = house.api_keys.authenticate(token, "request-1")
    assert (caller.organization_id, caller.tenant_id) == (key.organization_id, key.tenant_id)
    assert (caller.actor, caller.request_id) == (to_ulid(key.id), "request-1")
    assert caller.may("assets:write")
    assert caller.may("assets:read"), "writing includes reading"
    assert not caller.may("sign")


def test_only_a_hash_is_kept(house, made):
    _, token = made
    with house.database.operator() as tx:
        (row,) = tx.rows("SELECT api_keys::text AS text FROM api_keys WHERE id = %(id)s", id=made[0].id)
    assert token.partition(".")[2] not in row["text"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.partition(".")[0],
        lambda token: token.partition(".")[0] + ".",
        lambda token: token.removeprefix("mzk_"),
        lambda token: f"mzk_{to_ulid(new_id())}.{token.partition('.')[2]}",
        lambda _: "",
        lambda _: "mzk_.",
        lambda _: "mzk_\udcff.\udcff",
    ],
)
def test_a_wrong_token_opens_nothing(house, made, spoil):
    with pytest.raises(Unauthorized) as refusal:
        house.api_keys.authenticate(spoil(made[1]))
    assert refusal.value.detail == Unauthorized().detail


def test_a_revoked_key_is_refused_everywhere_once_it_is_forgotten(house, made):
    clock = [0.0]
    elsewhere = ApiKeys(house.database)
    elsewhere._known = Recent(10, service.REMEMBERED, clock=lambda: clock[0])
    elsewhere.authenticate(made[1])
    house.api_keys.revoke(OPERATOR, made[0].id)
    house.api_keys.revoke(OPERATOR, made[0].id)
    with pytest.raises(Unauthorized):
        house.api_keys.authenticate(made[1])
    assert service.REMEMBERED < 5
    clock[0] += service.REMEMBERED
    with pytest.raises(Unauthorized):
        elsewhere.authenticate(made[1])


def test_an_expired_key_is_refused(house, place):
    soon = datetime.now(UTC) + timedelta(hours=1)
    key, _ = house.api_keys.create(OPERATOR, place.organization, None, "short", ["sign"], expires_at=soon)
    assert key.valid_at(soon - timedelta(seconds=1))
    assert not key.valid_at(soon)


def test_keys_of_a_deleted_tenant_are_refused(house, place, made):
    house.tenancy.delete_tenant(OPERATOR, place.organization, place.tenant)
    with pytest.raises(Unauthorized):
        ApiKeys(house.database).authenticate(made[1])


def test_nobody_gives_what_they_lack(house, place):
    _, token = house.api_keys.create(OPERATOR, place.organization, place.tenant, "k", ["keys:write", "assets:read"])
    caller = house.api_keys.authenticate(token)
    key, _ = house.api_keys.create(caller, None, None, "less", ["assets:read"])
    assert key.tenant_id == caller.tenant_id
    with pytest.raises(Forbidden):
        house.api_keys.create(caller, None, None, "more", ["assets:write"])
    with pytest.raises(Forbidden):
        house.api_keys.create(caller, None, None, "all", ["assets:read"], for_operator=True)


@pytest.mark.parametrize(
    ("name", "scopes", "expires_at", "field"),
    [
        ("", ["sign"], None, "name"),
        ("k", [], None, "scopes"),
        ("k", ["root"], None, "scopes"),
        ("k", ["sign"], datetime(2020, 1, 1, tzinfo=UTC), "expires_at"),
    ],
)
def test_wrong_fields_are_named(house, place, name, scopes, expires_at, field):
    with pytest.raises(InvalidField) as refusal:
        house.api_keys.create(OPERATOR, place.organization, None, name, scopes, expires_at=expires_at)
    assert refusal.value.field == field


def test_another_s_key_is_not_found(house, place, made, tenant_caller):
    with pytest.raises(NotFound):
        house.api_keys.revoke(tenant_caller(settle(house, place.organization)), made[0].id)
    assert house.api_keys.authenticate(made[1])
