"""What the catalogue of PostgreSQL must say of every table, those of later migrations included."""

import psycopg
import pytest

# Unique keys that no tenant comes first in: random identifiers and numbers given by us, which nobody can probe for
# what another one has, the names that are public by nature, and the audit log's chains, each of one tenant.
WITHOUT_TENANT = {
    "organizations_pkey",
    "organizations_slug_key",
    "api_keys_pkey",
    "jobs_pkey",
    "audit_log_pkey",
    "audit_log_chains",
    "signing_keys_kid_key",
}

TENANT_TABLES = """
SELECT c.oid, c.relname AS name FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
AND (c.relname = 'organizations' OR EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('organization_id', 'tenant_id')))
"""


@pytest.fixture(scope="module")
def ask(postgres):
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as connection:
        yield lambda query: connection.execute(query.encode()).fetchall()


def test_every_table_of_ours_belongs_to_an_organization(ask):
    every = {name for (name,) in ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert every - {"alembic_version"} == {name for _, name in ask(TENANT_TABLES)}


def test_row_level_security_is_forced_and_has_policies_for_both_roles(ask):
    rows = ask(f"""
        SELECT t.name, relrowsecurity, relforcerowsecurity,
        ARRAY(SELECT DISTINCT unnest(polroles)::regrole::text FROM pg_policy WHERE polrelid = t.oid ORDER BY 1)
        FROM ({TENANT_TABLES}) t JOIN pg_class USING (oid)""")
    assert len(rows) >= 14
    for name, enabled, forced, roles in rows:
        assert (enabled, forced) == (True, True), name
        assert roles == ["mezzotint_app", "mezzotint_operator"], name


def test_policies_of_the_application_all_look_at_the_settings(ask):
    rows = ask("""
        SELECT polrelid::regclass::text, polname,
        concat(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
        FROM pg_policy WHERE 'mezzotint_app'::regrole = ANY(polroles)""")
    for table, policy, expression in rows:
        assert "scope_organization()" in expression or expression == "false", (table, policy)


def test_unique_keys_begin_with_the_tenant(ask):
    rows = ask(f"""
        SELECT i.indexrelid::regclass::text, a.attname
        FROM pg_index i JOIN ({TENANT_TABLES}) t ON t.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indisunique""")
    others = {index for index, first in rows if first not in {"organization_id", "tenant_id"}}
    assert others == WITHOUT_TENANT


def test_foreign_keys_carry_the_tenant(ask):
    rows = ask("""
        SELECT conname, confrelid::regclass::text,
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY(conkey))
        FROM pg_constraint WHERE contype = 'f'""")
    assert len(rows) > 20
    for name, target, columns in rows:
        wanted = "organization_id" if target in {"organizations", "tenants"} else "tenant_id"
        assert wanted in columns, name


def test_application_roles_own_nothing_and_have_no_more_than_they_need(ask):
    owned = ask("""
        SELECT relname FROM pg_class
        WHERE relowner <> 'mezzotint_owner'::regrole AND relnamespace = 'public'::regnamespace""")
    assert owned == []
    granted = ask("""
        SELECT DISTINCT grantee, privilege_type FROM information_schema.role_table_grants
        WHERE grantee IN ('mezzotint_app', 'mezzotint_operator', 'PUBLIC') AND table_schema = 'public'""")
    assert {privilege for _, privilege in granted} <= {"SELECT", "INSERT", "UPDATE", "DELETE"}
    deletable = ask("""
        SELECT grantee, table_name FROM information_schema.role_table_grants
        WHERE privilege_type = 'DELETE' AND table_schema = 'public' AND grantee <> 'mezzotint_owner'""")
    assert sorted(deletable) == [
        ("mezzotint_operator", table)
        for table in ("asset_versions", "assets", "jobs", "quarantine", "uploads", "variants")
    ]


def test_roles_are_plain_and_belong_to_none_of_the_others(ask):
    rows = ask("""
        SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
        FROM pg_roles WHERE rolname LIKE 'mezzotint%' AND rolname <> 'mezzotint_admin'""")
    assert sorted(rows) == [("mezzotint_app", False), ("mezzotint_operator", False), ("mezzotint_owner", False)]
    assert ask("SELECT * FROM pg_auth_members WHERE member::regrole::text LIKE 'mezzotint%'") == []


def test_nobody_else_may_connect_or_create(ask):
    (privileges,) = ask("""
        SELECT has_database_privilege('public', current_database(), 'CONNECT'),
        has_schema_privilege('mezzotint_app', 'public', 'CREATE'),
        has_schema_privilege('mezzotint_operator', 'public', 'CREATE'),
        has_database_privilege('mezzotint_app', current_database(), 'TEMP')""")
    assert privileges == (False, False, False, False)


def test_no_function_runs_with_its_owners_rights_and_no_view_skips_the_policies(ask):
    assert ask("SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace") == []
    assert (
        ask("""
        SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace
        AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)""")
        == []
    )
