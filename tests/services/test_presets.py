"""Presets: held to the grammar, kept as they were given, owned by one level."""

import pytest

from mezzotint.model.errors import Conflict, InvalidField, InvalidOperation, NotFound
from tests.servers.places import OPERATOR, settle


@pytest.fixture
def create(house, place):
    return lambda name, operations, depth=3, **options: house.presets.create(
        OPERATOR, *[*list(place.fields.values())[:depth], None, None][:3], name, operations, **options
    )[1]


@pytest.mark.parametrize(
    ("given", "kept", "values"),
    [
        ("h_20-w_10", "w_10-h_20", {"w": 10, "h": 20}),
        ("w_10.9-bw-blur_2.50", "w_10-blur_2.5-bw", {"w": 10, "blur": "2.5", "bw": True}),
        ("b_000-q_auto", "b_000000-q_auto", {"b": "000000", "q": "auto"}),
        ("f_auto-fmt_webp", None, None),
    ],
)
def test_operations_are_kept_as_given_in_canonical_order(create, given, kept, values):
    if kept is None:
        with pytest.raises(InvalidOperation):
            create("p", given)
        return
    preset = create("p", given)
    assert preset.spelling == kept
    assert dict(preset.operations) == values


@pytest.mark.parametrize("operations", ["", "w_0", "nothing_1", "preset_other", "dpr_2-w_10", "original", "w_10-w_20"])
def test_operations_are_held_to_the_grammar(create, operations):
    with pytest.raises(InvalidOperation):
        create("p", operations)


@pytest.mark.parametrize("name", ["", "A", "a-b", "a__b", "_a", "a_", "a" * 65, "a\n"])
def test_names_have_one_form(create, name):
    with pytest.raises(InvalidField):
        create(name, "w_10")


def test_each_level_has_its_own(create):
    for depth in (1, 2, 3):
        create("thumb", "w_10", depth)
        with pytest.raises(Conflict):
            create("thumb", "w_20", depth)


def test_matches_are_cleaned(create):
    preset = create("p", "w_1", auto_generate=True, match_tags=[" a ", "a"], match_folders=["/x/y/"])
    assert (preset.auto_generate, preset.match_tags, preset.match_folders) == (True, ("a",), ("x/y",))
    with pytest.raises(InvalidField):
        create("q", "w_1", match_folders=["a/../b"])


def test_a_tenant_reads_its_organization_s_and_changes_none(house, place, create, tenant_caller):
    shared, own = create("shared", "w_10", 1), create("own", "w_10", 2)
    caller, stranger = tenant_caller(place), tenant_caller(settle(house, place.organization))
    assert house.presets.get(caller, shared.id)[1] == shared
    for who, preset in [(caller, shared), (stranger, own), (stranger, shared)]:
        with pytest.raises(NotFound):
            house.presets.update(who, preset.id, operations="w_1")
        with pytest.raises(NotFound):
            house.presets.delete(who, preset.id)
    with pytest.raises(NotFound):
        house.presets.get(stranger, own.id)
    assert house.presets.update(caller, own.id, operations="w_1")[1].spelling == "w_1"
