import psycopg
import pytest

from mezzotint.data import policies
from mezzotint.model.asset import Access
from mezzotint.model.policy import DEFAULTS, Policy
from mezzotint.model.tenancy import Owner, Scope

EVERYTHING = Policy(
    default_access=Access.PRIVATE,
    allowed_operations=("w", "h"),
    allowed_formats=("jpg",),
    presets_only=True,
    max_upload_bytes=5_000_000_000,
    max_source_pixels=1,
    max_output_pixels=2,
    max_side=3,
    default_lifetime=4,
    max_lifetime=5,
    public_originals=True,
    cache_seconds_fixed=0,
    cache_seconds_preset=0,
)


def test_every_value_comes_back(database, place):
    with database.scoped(place.scope) as tx:
        assert policies.get(tx, place.owner) is None
        policies.put(tx, place.owner, EVERYTHING)
        assert policies.get(tx, place.owner) == EVERYTHING
        policies.put(tx, place.owner, Policy(max_side=7))
        assert policies.get(tx, place.owner) == Policy(max_side=7)


def test_the_nearest_value_wins_and_the_rest_is_inherited(database, place):
    organization, tenant = Owner(place.organization.id), Owner(place.organization.id, place.tenant.id)
    with database.scoped(Scope(place.organization.id)) as tx:
        assert policies.resolved(tx, place.owner) == DEFAULTS
        policies.put(tx, organization, Policy(max_side=1000, max_lifetime=100, presets_only=True))
        policies.put(tx, tenant, Policy(max_side=2000, presets_only=False))
        policies.put(tx, place.owner, Policy(max_side=3000))
        sides = [policies.resolved(tx, owner).max_side for owner in (place.owner, tenant, organization)]
        resolved = policies.resolved(tx, place.owner)
    assert sides == [3000, 2000, 1000]
    assert (resolved.max_lifetime, resolved.presets_only) == (100, False)
    assert resolved.max_upload_bytes == DEFAULTS.max_upload_bytes


def test_a_tenant_inherits_from_its_organization(database, settle):
    place = settle()
    with database.scoped(Scope(place.organization.id)) as tx:
        policies.put(tx, Owner(place.organization.id), Policy(max_side=1000))
    with database.scoped(place.scope) as tx:
        assert policies.resolved(tx, place.owner).max_side == 1000


@pytest.mark.parametrize("field", ["max_upload_bytes", "max_source_pixels", "max_output_pixels", "max_side",
                                   "default_lifetime", "max_lifetime"])  # fmt: skip
def test_a_limit_of_nothing_is_refused(database, place, field):
    with pytest.raises(psycopg.errors.CheckViolation), database.scoped(place.scope) as tx:
        policies.put(tx, place.owner, Policy(**{field: 0}))
