"""What a change leaves behind in caches: its generation rises, in the snapshot that edges follow."""

import pytest

from mezzotint.data.redis import connect
from mezzotint.model.errors import NotFound
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.model.policy import Policy
from tests.published import content
from tests.servers.places import OPERATOR, settle


@pytest.fixture
def full(redis_url):
    """All that edges read."""
    with connect(redis_url) as client:
        yield lambda: content(client)


@pytest.fixture
def generation(full):
    return lambda scope: full().generations.get(scope, 0)


def test_an_asset_is_invalidated(house, place, upload, generation):
    asset = upload(place).located.asset
    scope = f"a:{to_ulid(asset.id)}"
    for expected in (1, 2):
        assert house.invalidate.asset(OPERATOR, asset.id) == expected
        assert generation(scope) == expected


def test_a_deleted_asset_is_gone_and_invalidated(house, place, upload, generation):
    asset = upload(place).located.asset
    house.assets.delete(OPERATOR, asset.id)
    assert generation(f"a:{to_ulid(asset.id)}") == 1
    for gone in (house.assets.get, house.assets.delete, house.invalidate.asset):
        with pytest.raises(NotFound):
            gone(OPERATOR, asset.id)
    assert upload(place).created, "its bytes may come again, as another asset"


def test_another_s_asset_is_not_found(house, place, upload, tenant_caller):
    asset, stranger = upload(place).located.asset, tenant_caller(settle(house, place.organization))
    for verb in (house.assets.get, house.assets.delete, house.invalidate.asset):
        for identifier in (asset.id, new_id()):
            with pytest.raises(NotFound):
                verb(stranger, identifier)


def test_a_policy_invalidates_its_level(house, place, generation):
    house.policies.put(OPERATOR, *place.fields.values(), Policy(presets_only=True))
    house.policies.put(OPERATOR, place.organization, place.tenant, None, Policy())
    house.policies.put(OPERATOR, place.organization, None, None, Policy())
    path = place.path.split("/")
    assert generation(f"s:{place.path}") == 1
    assert generation(f"t:{'/'.join(path[:2])}") == 1
    assert generation(f"o:{path[0]}") == 1


def test_a_preset_invalidates_its_pictures(house, place, generation, full):
    _, preset = house.presets.create(OPERATOR, *place.fields.values(), "thumb", "w_64")
    house.presets.update(OPERATOR, preset.id, operations="w_32")
    assert full().presets[f"{place.path}/thumb"]["operations"] == "w_32"
    house.presets.delete(OPERATOR, preset.id)
    assert generation(f"p:{place.path}/thumb") == 3
    assert f"{place.path}/thumb" not in full().presets


@pytest.mark.parametrize("level", ["space", "tenant", "organization"])
def test_what_is_deleted_is_taken_from_the_edges(house, place, generation, full, level):
    assert place.path in full().spaces
    house.policies.put(OPERATOR, place.organization, None, None, Policy(presets_only=True))
    names = list(place.fields.values())[: {"organization": 1, "tenant": 2, "space": 3}[level]]
    scope = f"{level[0]}:{'/'.join(names)}"
    before = generation(scope)
    getattr(house.tenancy, f"delete_{level}")(OPERATOR, *names)
    assert place.path not in full().spaces
    assert generation(scope) == before + 1
