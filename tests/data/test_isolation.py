"""One tenant's transaction sees and changes nothing of another's, whatever is asked of it."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from mezzotint.data import (
    api_keys,
    assets,
    audit,
    generations,
    jobs,
    policies,
    presets,
    signing_keys,
    spaces,
    tenants,
    usage,
)  # fmt: skip
from mezzotint.data.postgres import Database
from mezzotint.model.identifiers import new_id
from mezzotint.model.policy import Policy
from mezzotint.model.tenancy import Owner, Scope
from tests.data.samples import CONTENT, ready_asset, variant

# fmt: off
TABLES = [
    "organizations", "tenants", "spaces", "policies", "presets", "signing_keys", "api_keys", "assets",
    "asset_versions", "variants", "generations", "audit_log", "usage",
]
# fmt: on


def fill(database, place):
    """A row of every table, all written as the tenant."""
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)
        variant(tx, asset)
        policies.put(tx, place.owner, Policy(max_side=100))
        presets.insert(tx, place.owner, "thumb", {"w": 100})
        signing_keys.insert(tx, *_ids(place), f"kid-{new_id()}", b"sealed")
        api_keys.insert(tx, *_ids(place), "a key", b"0" * 32, {"read"})
        generations.bump(tx, f"s:{place.path}")
        audit.append(tx, actor="test", action="asset.create", subject=str(asset.id))
        usage.add(tx, place.space.id, "uploads", 1)
    return asset


def _ids(place):
    return place.organization.id, place.tenant.id


def counts(tx):
    return {table: tx.one(f"SELECT count(*) AS n FROM {table}")["n"] for table in TABLES}


def test_a_tenant_sees_its_own_rows_and_no_others(database, settle):
    one, neighbour, stranger = (first := settle()), settle(first.organization), settle()
    for place in (one, neighbour, stranger):
        fill(database, place)
    for place in (one, neighbour, stranger):
        with database.scoped(place.scope) as tx:
            assert counts(tx) == dict.fromkeys(TABLES, 1)
            assert tx.one("SELECT id FROM organizations")["id"] == place.organization.id
            assert {row["id"] for row in tx.rows("SELECT id FROM tenants")} == {place.tenant.id}


def test_an_organization_sees_its_tenants_tenancy_but_no_pictures(database, settle):
    one = settle()
    for place in (one, settle(one.organization), settle()):
        fill(database, place)
    with database.scoped(Scope(one.organization.id)) as tx:
        seen = counts(tx)
    hidden = {"assets", "asset_versions", "variants", "usage"}
    assert {table for table in TABLES if seen[table] == 0} == hidden
    assert {seen[table] for table in set(TABLES) - hidden - {"organizations"}} == {2}


def test_without_a_scope_there_is_nothing(database, postgres, place):
    fill(database, place)
    with psycopg.connect(postgres.app_dsn) as connection:
        for table in TABLES:
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,), table


def test_a_scope_does_not_outlive_its_transaction(postgres, place):
    database = Database(postgres.app_dsn, postgres.operator_dsn, size=1)
    with database.scoped(place.scope) as tx:
        assert tx.rows("SELECT id FROM spaces")
    with database._app.connection() as connection:
        assert connection.execute("SELECT id FROM spaces").fetchall() == []
    database.close()


def test_the_ids_of_another_tenant_are_as_good_as_unknown(database, settle):
    mine, theirs = settle(), settle()
    fill(database, mine)
    asset = fill(database, theirs)
    with database.operator() as tx:
        preset = presets.page(tx, theirs.owner)[0]
        key = signing_keys.page(tx, *_ids(theirs))[0]
        api_key = next(found for found in api_keys.page(tx, limit=10_000) if found.tenant_id == theirs.tenant.id)
    with database.scoped(mine.scope) as tx:
        assert assets.get(tx, asset.id) is None
        assert assets.delete(tx, asset.id) is False
        assert assets.versions(tx, asset.id) == []
        assert assets.page(tx, theirs.space.id) == []
        assert assets.owner(tx, asset.id) is None
        assert assets.mark_ready(tx, asset.id, 1, CONTENT) is None
        assert presets.get(tx, preset.id) is None
        assert presets.update(tx, preset.id, operations={"w": 1}) is None
        assert presets.delete(tx, preset.id) is False
        assert signing_keys.by_kid(tx, key.kid) is None
        assert signing_keys.revoke(tx, key.kid) is False
        assert api_keys.find(tx, api_key.id) is None
        assert api_keys.revoke(tx, api_key.id) is False
        assert spaces.get(tx, theirs.space.id) is None
        assert spaces.delete(tx, theirs.space.id) is False
        assert tenants.delete(tx, theirs.tenant.id) is False
        assert policies.get(tx, theirs.owner) is None
        assert usage.totals(tx, since=asset.created_at.date(), until=asset.created_at.date()) == {"uploads": 1}


WRITES = {
    "a tenant": lambda tx, place: tenants.insert(tx, place.organization.id, "planted", "x"),
    "a space": lambda tx, place: spaces.insert(tx, *_ids(place), "planted", "x"),
    "a policy": lambda tx, place: policies.put(tx, place.owner, Policy(max_side=1)),
    "a preset": lambda tx, place: presets.insert(tx, place.owner, "planted", {"w": 1}),
    "a signing key": lambda tx, place: signing_keys.insert(tx, *_ids(place), "planted", b"x"),
    "an API key": lambda tx, place: api_keys.insert(tx, *_ids(place), "planted", b"0" * 32, set()),
}
WRITES_ABOVE = {
    "a policy": lambda tx, place: policies.put(tx, Owner(place.organization.id), Policy(max_side=9000)),
    "a signing key": lambda tx, place: signing_keys.insert(tx, place.organization.id, None, "planted", b"x"),
    "an organization": lambda tx, place: tx.run(
        "UPDATE organizations SET name = 'x' WHERE id = %(id)s", id=place.organization.id
    ),
    "a tenant": lambda tx, place: tenants.insert(tx, place.organization.id, "planted", "x"),
    "an operator's API key": lambda tx, _: api_keys.insert(tx, None, None, "planted", b"0" * 32, set()),
}


@pytest.mark.parametrize("what", WRITES)
def test_a_tenant_writes_nothing_into_another(database, settle, what):
    mine, theirs = settle(), settle()
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.scoped(mine.scope) as tx:
        WRITES[what](tx, theirs)


@pytest.mark.parametrize("what", WRITES_ABOVE)
def test_a_tenant_writes_nothing_above_itself(database, place, what):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.scoped(place.scope) as tx:
        WRITES_ABOVE[what](tx, place)


def test_no_row_points_into_another_tenant(database, settle):
    mine, theirs = settle(), settle()
    with pytest.raises(psycopg.errors.ForeignKeyViolation), database.scoped(mine.scope) as tx:
        ready_asset(tx, replace(mine, space=theirs.space))


def test_what_the_operator_needs_no_right_to_it_has_none(database, place):
    asset = fill(database, place)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.operator() as tx:
        tx.run("UPDATE assets SET access = 'public' WHERE id = %(id)s", id=asset.id)


@pytest.mark.parametrize("role", ["app_dsn", "operator_dsn"])
@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE mezzotint_owner",
        "SET SESSION AUTHORIZATION mezzotint_owner",
        "TRUNCATE variants",
        "ALTER TABLE assets DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE assets NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY app_read ON assets",
        "DROP TABLE usage",
        "CREATE TABLE mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "GRANT mezzotint_owner TO CURRENT_USER",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "COPY assets TO PROGRAM 'true'",
        "COPY usage FROM '/etc/passwd'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "SELECT set_config('role', 'mezzotint_owner', false)",
        "SET row_security = off; SELECT count(*) FROM assets",
        "CREATE EXTENSION dblink",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE c AS 'libc', 'system'",
    ],
)
def test_applications_roles_are_refused(postgres, role, statement):
    with psycopg.connect(getattr(postgres, role)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_not_even_the_owner_changes_the_audit_log(postgres, database, place):
    fill(database, place)
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as connection:
        for statement in ("UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                connection.execute(statement.encode())


def test_not_even_the_owner_reads_without_a_policy(postgres, database, place):
    fill(database, place)
    with psycopg.connect(postgres.owner_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM assets").fetchone() == (0,)


FATES = {
    "read": lambda tx: tx.rows("SELECT id FROM assets"),
    "the caller's mistake": lambda _: {}["nothing"],
    "a statement's error": lambda tx: tx.run("SELECT 1/0"),
    "a refusal": lambda tx: tx.run("UPDATE organizations SET name = 'x'"),
}


def test_twenty_tenants_on_two_connections_with_failures_among_them(postgres, settle):
    database = Database(postgres.app_dsn, postgres.operator_dsn, size=2, timeout=30, statement_timeout=30)
    places = [settle() for _ in range(20)]
    generator = random.Random(20)
    plan = [(generator.choice(places), generator.choice(list(FATES))) for _ in range(600)]

    def visit(step):
        place, fate = step
        seen = []
        try:
            with database.scoped(place.scope) as tx:
                seen += [row["id"] for row in tx.rows("SELECT id FROM spaces")]
                FATES[fate](tx)
        except (KeyError, psycopg.errors.DivisionByZero, psycopg.errors.InsufficientPrivilege):
            assert fate != "read"
        return seen == [place.space.id]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(visit, plan))
    database.close()


def test_jobs_of_a_tenant_are_the_operators_to_see(database, place):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.scoped(place.scope) as tx:
        jobs.claim(tx, "anything")
