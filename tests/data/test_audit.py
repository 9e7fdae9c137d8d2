from mezzotint.data import audit
from mezzotint.model.tenancy import Scope


def test_lines_come_back_newest_first(database, place):
    with database.scoped(place.scope) as tx:
        for subject in "abc":
            audit.append(
                tx, actor="cli", action="asset.delete", subject=subject, request_id="r", detail={"why": subject}
            )
        lines = audit.page(tx)
        assert [line.subject for line in lines] == ["c", "b", "a"]
        assert audit.page(tx, before=lines[0].sequence, limit=1) == lines[1:2]
    line = lines[0]
    assert (line.actor, line.action, line.request_id, line.detail) == ("cli", "asset.delete", "r", {"why": "c"})
    assert (line.organization_id, line.tenant_id) == (place.organization.id, place.tenant.id)


def test_the_operator_says_whose_line_it_is(database, place):
    with database.operator() as tx:
        audit.append(tx, actor="cli", action="a.b", subject="x", organization_id=place.organization.id)
    with database.scoped(Scope(place.organization.id)) as tx:
        assert [line.subject for line in audit.page(tx)] == ["x"]
    with database.scoped(place.scope) as tx:
        assert audit.page(tx) == []
