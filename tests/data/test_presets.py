import pytest

from mezzotint.data import presets
from mezzotint.model.errors import Conflict
from mezzotint.model.tenancy import Owner, Scope

OPERATIONS = {"w": 800, "f": "cover", "blur": "2.5", "bw": True}


def test_a_preset_comes_back(database, place):
    with database.scoped(place.scope) as tx:
        preset = presets.insert(
            tx, place.owner, "hero", OPERATIONS, auto_generate=True, match_tags=("a",), match_folders=("b/c",)
        )
        assert presets.get(tx, preset.id) == preset
    assert (preset.operations, preset.auto_generate, preset.match_tags, preset.match_folders) == (
        OPERATIONS, True, ("a",), ("b/c",),
    )  # fmt: skip
    assert set(preset.spelling.split("-")) == {"w_800", "f_cover", "blur_2.5", "bw"}


def test_the_nearest_of_a_name_wins(database, place):
    organization, tenant = Owner(place.organization.id), Owner(place.organization.id, place.tenant.id)
    with database.scoped(Scope(place.organization.id)) as tx:
        found = []
        for owner, width in ((organization, 1), (tenant, 2), (place.owner, 3)):
            presets.insert(tx, owner, "hero", {"w": width})
            found.append(presets.nearest(tx, place.owner, "hero").operations["w"])
        assert found == [1, 2, 3]
        assert presets.nearest(tx, tenant, "hero").operations["w"] == 2
        assert presets.nearest(tx, organization, "hero").operations["w"] == 1
        assert presets.nearest(tx, place.owner, "other") is None


def test_a_name_is_free_again_after_deletion(database, place):
    with database.scoped(place.scope) as tx:
        first = presets.insert(tx, place.owner, "hero", {"w": 1})
        with pytest.raises(Conflict):
            presets.insert(tx, place.owner, "hero", {"w": 2})
        assert presets.delete(tx, first.id) is True
        assert presets.delete(tx, first.id) is False
        assert presets.get(tx, first.id) is None
        assert presets.insert(tx, place.owner, "hero", {"w": 2}).id != first.id


def test_an_update_changes_what_it_names(database, place):
    with database.scoped(place.scope) as tx:
        before = presets.insert(tx, place.owner, "hero", {"w": 1}, match_tags=("a",))
        after = presets.update(tx, before.id, operations={"h": 2}, auto_generate=True)
    assert (after.operations, after.auto_generate, after.match_tags) == ({"h": 2}, True, ("a",))


def test_pages_hold_one_owners_presets(database, place):
    with database.scoped(Scope(place.organization.id)) as tx:
        presets.insert(tx, Owner(place.organization.id), "above", {"w": 1})
        inserted = [presets.insert(tx, place.owner, f"p{number}", {"w": 1}) for number in range(3)]
        mine = sorted(inserted, key=lambda preset: preset.id)
        assert presets.page(tx, place.owner) == mine
        assert presets.page(tx, place.owner, after=mine[0].id, limit=1) == mine[1:2]
