from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from mezzotint.data import api_keys, signing_keys
from mezzotint.model.errors import Conflict
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.model.signing import KeyStatus
from mezzotint.model.tenancy import Scope

LATER = datetime(2100, 1, 1, tzinfo=UTC)


def kid() -> str:
    return to_ulid(new_id()).lower()


def test_a_signing_key_goes_from_active_to_grace_to_revoked(database, place):
    with database.scoped(place.scope) as tx:
        key = signing_keys.insert(tx, place.organization.id, place.tenant.id, kid(), b"sealed")
        assert (key.status, key.grace_until, key.sealed_secret) == (KeyStatus.ACTIVE, None, b"sealed")
        assert signing_keys.by_kid(tx, key.kid) == key
        assert signing_keys.retire(tx, key.kid, LATER) is True
        retired = signing_keys.by_kid(tx, key.kid)
        assert (retired.status, retired.grace_until) == (KeyStatus.GRACE, LATER)
        assert signing_keys.retire(tx, key.kid, LATER) is False
        assert signing_keys.revoke(tx, key.kid) is True
        assert signing_keys.by_kid(tx, key.kid).status is KeyStatus.REVOKED
        assert signing_keys.revoke(tx, key.kid) is False
        assert signing_keys.retire(tx, key.kid, LATER) is False


def test_the_tenants_newest_active_key_signs_else_the_organizations(database, place):
    organization, tenant = place.organization.id, place.tenant.id
    with database.scoped(Scope(organization)) as tx:
        assert signing_keys.active(tx, organization, tenant) is None
        shared = signing_keys.insert(tx, organization, None, kid(), b"x")
        assert signing_keys.active(tx, organization, tenant) == shared
        own = [signing_keys.insert(tx, organization, tenant, kid(), b"x") for _ in range(2)]
        assert signing_keys.active(tx, organization, tenant) == max(own, key=lambda key: key.id)
        assert signing_keys.active(tx, organization, None) == shared
        for key in signing_keys.page(tx, organization, tenant):
            signing_keys.revoke(tx, key.kid)
        assert signing_keys.active(tx, organization, tenant) == shared


def test_the_organizations_key_is_its_tenants_to_use_but_not_to_change(database, place):
    with database.scoped(Scope(place.organization.id)) as tx:
        shared = signing_keys.insert(tx, place.organization.id, None, kid(), b"x")
    with database.scoped(place.scope) as tx:
        assert signing_keys.active(tx, place.organization.id, place.tenant.id) == shared
        assert signing_keys.revoke(tx, shared.kid) is False


def test_keys_are_listed_by_owner(database, place):
    organization, tenant = place.organization.id, place.tenant.id
    with database.scoped(Scope(organization)) as tx:
        shared = signing_keys.insert(tx, organization, None, kid(), b"x")
        inserted = [signing_keys.insert(tx, organization, tenant, kid(), b"x") for _ in range(3)]
        own = sorted(inserted, key=lambda key: key.id)
        assert signing_keys.page(tx, organization) == [shared]
        assert signing_keys.page(tx, organization, tenant, limit=2) == own[:2]
        assert signing_keys.page(tx, organization, tenant, after=own[1].id) == own[2:]


def test_no_two_keys_share_a_kid_even_across_organizations(database, settle):
    one, two = settle(), settle()
    with database.scoped(one.scope) as tx:
        key = signing_keys.insert(tx, one.organization.id, one.tenant.id, kid(), b"x")
    with pytest.raises(Conflict), database.scoped(two.scope) as tx:
        signing_keys.insert(tx, two.organization.id, two.tenant.id, key.kid, b"x")


def test_no_repr_shows_a_secret(database, place):
    with database.scoped(place.scope) as tx:
        signing = signing_keys.insert(tx, place.organization.id, place.tenant.id, kid(), b"SECRET")
        api = api_keys.insert(tx, place.organization.id, place.tenant.id, "x", b"SECRET" + b"0" * 26, set())
    assert "SECRET" not in f"{signing!r} {signing} {api!r} {api}"


def test_an_api_key_is_found_expires_and_is_revoked(database, place):
    now = datetime.now(UTC)
    with database.scoped(place.scope) as tx:
        key = api_keys.insert(
            tx, place.organization.id, place.tenant.id, "uploads", b"1" * 32, {"write", "read"},
            expires_at=now + timedelta(hours=1),
        )  # fmt: skip
    with database.operator() as tx:
        assert api_keys.find(tx, key.id) == key
        assert api_keys.find(tx, new_id()) is None
    assert (key.scopes, key.secret_hash) == (frozenset({"read", "write"}), b"1" * 32)
    assert key.valid_at(now)
    assert not key.valid_at(now + timedelta(hours=1))
    with database.scoped(place.scope) as tx:
        assert api_keys.revoke(tx, key.id) is True
        assert api_keys.revoke(tx, key.id) is False
        assert not api_keys.find(tx, key.id).valid_at(now)


def test_an_operators_key_is_of_no_organization(database):
    with database.operator() as tx:
        key = api_keys.insert(tx, None, None, "operator", b"1" * 32, {"*"})
        assert (api_keys.find(tx, key.id).organization_id, key.tenant_id) == (None, None)


def test_the_last_use_is_noted_once_a_minute(database, place):
    with database.operator() as tx:
        key = api_keys.insert(tx, place.organization.id, None, "x", b"1" * 32, set())
    uses = []
    for _ in range(2):
        with database.operator() as tx:
            api_keys.used(tx, key.id)
            uses.append(api_keys.find(tx, key.id).last_used_at)
    assert uses[0] is not None
    assert uses[0] == uses[1]


def test_only_a_whole_hash_is_kept(database):
    with pytest.raises(psycopg.errors.CheckViolation), database.operator() as tx:
        api_keys.insert(tx, None, None, "x", b"short", set())
