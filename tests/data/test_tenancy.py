import pytest

from mezzotint.data import organizations, spaces, tenants
from mezzotint.model.errors import Conflict


def test_a_space_is_found_by_the_slugs_of_its_url(database, place):
    with database.operator() as tx:
        assert spaces.locate(tx, *place.path.split("/")) == place.space
        assert organizations.by_slug(tx, place.organization.slug) == place.organization
        assert tenants.by_slug(tx, place.organization.id, place.tenant.slug) == place.tenant
