from mezzotint.data import generations
from mezzotint.model.tenancy import Scope


def test_numbers_begin_at_one_and_grow(database, place):
    scope = f"s:{place.path}"
    with database.scoped(place.scope) as tx:
        assert generations.get(tx, scope) == 0
        assert [generations.bump(tx, scope) for _ in range(3)] == [1, 2, 3]
        assert generations.get(tx, scope) == 3


def test_a_number_grows_whoever_raises_it(database, place):
    scope, seen = f"t:{place.organization.slug}/{place.tenant.slug}", []
    openers = [
        lambda: database.scoped(place.scope), lambda: database.scoped(Scope(place.organization.id)), database.operator,
    ]  # fmt: skip
    for opener in openers * 2:
        with opener() as tx:
            generations.bump(tx, scope)
        with database.operator() as tx:
            seen.append(generations.get(tx, scope))
    assert seen == [1, 2, 3, 4, 5, 6]


def test_one_tenants_scope_does_not_move_anothers(database, settle):
    one, two = settle(), settle()
    with database.scoped(one.scope) as tx:
        generations.bump(tx, "a:SAME")
    with database.scoped(two.scope) as tx:
        assert generations.get(tx, "a:SAME") == 0


def test_an_abandoned_change_raises_nothing(database, place, abandon):
    scope = f"s:{place.path}"
    abandon(database.scoped(place.scope), lambda tx: generations.bump(tx, scope))
    with database.scoped(place.scope) as tx:
        assert generations.bump(tx, scope) == 1
