import psycopg
import pytest

from mezzotint.data import organizations, spaces, tenants
from mezzotint.model.errors import Conflict
from mezzotint.model.tenancy import Scope


def test_a_space_is_found_by_the_slugs_of_its_url(database, place):
    with database.operator() as tx:
        assert spaces.locate(tx, *place.path.split("/")) == place.space
        assert organizations.by_slug(tx, place.organization.slug) == place.organization
        assert tenants.by_slug(tx, place.organization.id, place.tenant.slug) == place.tenant
        assert spaces.by_slug(tx, place.tenant.id, place.space.slug) == place.space


def test_levels_are_found_by_id(database, place):
    with database.scoped(place.scope) as tx:
        assert organizations.get(tx, place.organization.id) == place.organization
        assert tenants.get(tx, place.tenant.id) == place.tenant
        assert spaces.get(tx, place.space.id) == place.space


@pytest.mark.parametrize("level", ["organization", "tenant", "space"])
def test_what_is_below_a_deleted_level_is_not_found(database, place, level):
    with database.operator() as tx:
        deleted = {"organization": organizations, "tenant": tenants, "space": spaces}[level]
        assert deleted.delete(tx, getattr(place, level).id) is True
        assert deleted.delete(tx, getattr(place, level).id) is False
        assert deleted.get(tx, getattr(place, level).id) is None
        assert spaces.locate(tx, *place.path.split("/")) is None


def test_a_slug_is_taken_for_good(database, place):
    again = {
        spaces: lambda tx: spaces.insert(tx, place.organization.id, place.tenant.id, place.space.slug, "again"),
        tenants: lambda tx: tenants.insert(tx, place.organization.id, place.tenant.slug, "again"),
        organizations: lambda tx: organizations.insert(tx, place.organization.slug, "again"),
    }
    ids = {spaces: place.space.id, tenants: place.tenant.id, organizations: place.organization.id}
    with database.operator() as tx:
        for table, insert in again.items():
            with pytest.raises(Conflict) as conflict:
                insert(tx)
            assert conflict.value.field == "slug"
            table.delete(tx, ids[table])
            with pytest.raises(Conflict):
                insert(tx)


def test_two_tenants_may_use_one_slug(database, settle):
    one, two = settle(), settle()
    with database.operator() as tx:
        for place in (one, two):
            assert spaces.insert(tx, place.organization.id, place.tenant.id, "photos", "Photos").slug == "photos"


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a_b", "a" * 101, "a\n"])
def test_the_database_itself_refuses_what_is_no_slug(database, slug):
    with pytest.raises(psycopg.errors.CheckViolation), database.operator() as tx:
        organizations.insert(tx, slug, "x")


def test_pages_go_on_after_the_last_one_seen(database, place):
    with database.scoped(Scope(place.organization.id)) as tx:
        for number in range(4):
            tenants.insert(tx, place.organization.id, f"more-{number}", "x")
            spaces.insert(tx, place.organization.id, place.tenant.id, f"more-{number}", "x")
        for page in (
            lambda **where: tenants.page(tx, place.organization.id, **where),
            lambda **where: spaces.page(tx, place.tenant.id, **where),
        ):
            everything = page()
            first = page(limit=3)
            assert len(everything) == 5
            assert first + page(after=first[-1].id, limit=3) == everything


def test_organizations_are_listed(database, settle):
    places = [settle(), settle()]
    with database.operator() as tx:
        listed = organizations.page(tx, limit=10_000)
        assert {place.organization for place in places} <= set(listed)
        assert organizations.page(tx, after=listed[0].id, limit=1) == listed[1:2]
        assert organizations.page(tx, after=listed[-1].id) == []
