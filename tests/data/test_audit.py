import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from mezzotint.data import audit
from mezzotint.data.postgres import Database, Transaction
from mezzotint.model.audit import Entry, Head, faults
from mezzotint.model.tenancy import Scope
from mezzotint.services.reach import Place
from tests.data.conftest import AUDIT_KEY


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


def test_without_the_key_nothing_is_written(postgres, place):
    database = Database(postgres.app_dsn, postgres.operator_dsn)
    with pytest.raises(ValueError, match="key"), database.scoped(place.scope) as tx:
        audit.append(tx, actor="cli", action="a.b", subject="x")
    database.close()


def links(database: Database, place: Place) -> list[Entry]:
    """The tenant's own chain, read in batches."""
    with database.operator() as tx:
        return [line for line in audit.chains(tx, batch=3) if line.chain == place.tenant.id]


@pytest.fixture
def written(database, place) -> Callable[[], list[Entry]]:
    """Eight lines of one tenant, and how to read what became of them."""
    for number in range(1, 9):
        with database.scoped(place.scope) as tx:
            detail = {"n": number, "ü": ["a", 0.1, None, True, 1e300, {"z": 1, "a": 2}]}
            audit.append(tx, actor="cli", action="asset.delete", subject=str(number), detail=detail)
    return lambda: links(database, place)


def test_what_was_written_proves_itself(written):
    lines = written()
    assert [(line.number, line.subject) for line in lines] == [(number, str(number)) for number in range(1, 9)]
    assert list(faults(lines, AUDIT_KEY)) == []
    assert len(list(faults(lines, b"another"))) == 8


UPDATE = "UPDATE audit_log SET {} WHERE tenant_id = %(tenant)s AND number {}"
DEEDS = {
    "another actor": ([UPDATE.format("actor = 'nobody'", "= 4")], ["line 4 .* not what was written"]),
    "another moment": ([UPDATE.format("at = at + interval '1 microsecond'", "= 4")], ["line 4 .* not what was"]),
    "another detail": ([UPDATE.format("detail = detail || '{\"n\": 5}'", "= 4")], ["line 4 .* not what was written"]),
    "no request": ([UPDATE.format("request_id = ''", "= 1")], ["line 1 .* not what was written"]),
    "a line less": (
        ["DELETE FROM audit_log WHERE tenant_id = %(tenant)s AND number = 4"],
        ["before line 5 .* 1 are missing"],
    ),
    "the first lines less": (
        ["DELETE FROM audit_log WHERE tenant_id = %(tenant)s AND number < 4"],
        ["before line 4 .* 3 are missing"],
    ),
    "a line less, the rest moved up": (
        [
            "DELETE FROM audit_log WHERE tenant_id = %(tenant)s AND number = 7",
            UPDATE.format("number = 7", "= 8"),
        ],
        ["line 7 .* not what was written"],
    ),
    "two swapped": (
        [
            UPDATE.format("number = 99", "= 3"),
            UPDATE.format("number = 3", "= 4"),
            UPDATE.format("number = 4", "= 99"),
        ],
        ["line 3 .* not what", "line 4 .* not what", "line 5 .* not what"],
    ),
    "a line more": (
        [
            """INSERT INTO audit_log (organization_id, tenant_id, actor, action, subject, detail, number, mac)
            SELECT organization_id, tenant_id, actor, action, 'planted', detail, 9, mac FROM audit_log
            WHERE tenant_id = %(tenant)s AND number = 8"""
        ],
        ["line 9 .* not what was written"],
    ),
    "a line twice": (
        [
            "DROP INDEX audit_log_chains",
            """INSERT INTO audit_log (organization_id, tenant_id, actor, action, subject, detail, number, mac)
            SELECT organization_id, tenant_id, actor, action, 'planted', detail, 4, mac FROM audit_log
            WHERE tenant_id = %(tenant)s AND number = 8""",
        ],
        ["line 4 .* (twice|not what)"],
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_whatever_an_administrator_does_is_named(postgres, place, written, deed):
    """Undone afterwards, as it is never committed."""
    written()
    statements, expected = DEEDS[deed]
    with psycopg.connect(postgres.admin_dsn, row_factory=psycopg.rows.dict_row) as connection:
        connection.execute("ALTER TABLE audit_log DISABLE TRIGGER append_only")
        for statement in statements:
            connection.execute(statement.encode(), {"tenant": place.tenant.id})
        rows = connection.execute(
            f"SELECT {audit._LINE} FROM audit_log WHERE tenant_id = %s ORDER BY number, sequence".encode(),
            (place.tenant.id,),
        ).fetchall()
        connection.rollback()
    found = list(faults([Entry(**row) for row in rows], AUDIT_KEY))
    assert len(found) == len(expected), found
    assert all(re.search(pattern, fault) for fault, pattern in zip(found, expected, strict=True)), found


def test_an_end_that_is_cut_off_shows_against_an_earlier_head(written):
    lines = written()
    heads = [Head(line.chain, line.number, line.mac) for line in (lines[4], lines[7])]
    assert list(faults(lines[:4], AUDIT_KEY)) == []
    assert list(faults(lines, AUDIT_KEY, heads)) == []
    assert [fault.split(" of ")[0] for fault in faults(lines[:6], AUDIT_KEY, heads)] == ["line 8"]
    assert [fault.split(" of ")[0] for fault in faults(lines[:4], AUDIT_KEY, heads)] == ["line 5", "line 8"]
    other = [Head(lines[4].chain, 5, "0" * 64)]
    assert ["another than it was" in fault for fault in faults(lines, AUDIT_KEY, other)] == [True]


def test_many_writers_make_one_chain_without_gaps(postgres, settle):
    """Those of a tenant wait for each other; what is taken back leaves no hole."""
    patience = {"timeout": 30.0, "statement_timeout": 30.0}
    database = Database(postgres.app_dsn, postgres.operator_dsn, size=8, audit_key=AUDIT_KEY, **patience)
    places, generator = [settle(), settle()], random.Random(27)

    def write(number: int) -> bool:
        place, fails = generator.choice(places), generator.random() < 0.3
        try:
            with database.scoped(place.scope) as tx:
                audit.append(tx, actor="cli", action="asset.create", subject=str(number))
                if fails:
                    tx.run("SELECT 1/0")
        except psycopg.errors.DivisionByZero:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        kept = sum(pool.map(write, range(200)))
    chains = [links(database, place) for place in places]
    database.close()
    assert sum(map(len, chains)) == kept < 200
    for lines in chains:
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert list(faults(lines, AUDIT_KEY)) == []


def test_lines_from_before_there_were_chains_are_told_apart(postgres, place):
    insert = """INSERT INTO audit_log (organization_id, tenant_id, actor, action, subject, detail)
        VALUES (%s, %s, 'cli', 'a.b', 'x', '{}')"""
    values = (place.organization.id, place.tenant.id)
    with psycopg.connect(postgres.admin_dsn) as connection:
        with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
            connection.execute(insert.encode(), values)
        connection.execute("ALTER TABLE audit_log DROP CONSTRAINT audit_log_chained")
        connection.execute("ALTER TABLE audit_log DISABLE TRIGGER append_only")
        connection.execute("DELETE FROM audit_log")
        tx = Transaction(connection, None, AUDIT_KEY)
        connection.row_factory = psycopg.rows.dict_row
        connection.execute(insert.encode(), values)
        assert audit.unchained(tx) == (1, 0)
        audit.append(tx, actor="cli", action="a.b", subject="x")
        connection.execute(insert.encode(), values)
        assert audit.unchained(tx) == (1, 1)
        assert [line.number for line in audit.chains(tx)] == [1]
        connection.rollback()
