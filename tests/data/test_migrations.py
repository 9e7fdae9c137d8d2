from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from mezzotint.data import migrations, roles


@pytest.fixture
def fresh(postgres):
    """DSNs of an empty database of its own: admin's (of the cluster) and owner's."""
    name = "mezzotint_fresh"
    passwords = {
        role: psycopg.conninfo.conninfo_to_dict(getattr(postgres, f"{role}_dsn"))["password"]
        for role in ("owner", "app", "operator")
    }
    roles.ensure(postgres.admin_dsn, passwords, database=name)
    yield postgres.admin_dsn, psycopg.conninfo.make_conninfo(postgres.owner_dsn, dbname=name), passwords, name
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def described(dsn):
    """Everything that the catalogue says of the schema."""
    with psycopg.connect(dsn) as connection:
        return [
            connection.execute(query.encode()).fetchall()
            for query in (
                "SELECT * FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 3, 4",
                "SELECT * FROM pg_policies ORDER BY tablename, policyname",
                "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
                "SELECT version_num FROM alembic_version",
            )
        ]


def test_twice_is_once(fresh):
    _, owner_dsn, _, _ = fresh
    migrations.upgrade(owner_dsn)
    once = described(owner_dsn)
    migrations.upgrade(owner_dsn)
    assert described(owner_dsn) == once
    assert once[-1] == [("0006",)]


def test_two_at_once_wait_for_each_other(fresh):
    _, owner_dsn, _, _ = fresh
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(migrations.upgrade, [owner_dsn] * 3)) == [None] * 3
    assert described(owner_dsn)[-1] == [("0006",)]


def test_roles_are_put_right_again(fresh):
    admin_dsn, owner_dsn, passwords, name = fresh
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute(b"ALTER ROLE mezzotint_app BYPASSRLS CREATEDB PASSWORD 'forgotten'")
        roles.ensure(admin_dsn, passwords, database=name)
        assert connection.execute(
            b"SELECT rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = 'mezzotint_app'"
        ).fetchone() == (False, False)
    app_dsn = psycopg.conninfo.make_conninfo(owner_dsn, user=roles.APP, password=passwords["app"])
    psycopg.connect(app_dsn).close()


def test_a_wrong_password_does_not_get_in(fresh):
    _, owner_dsn, _, _ = fresh
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(owner_dsn, password="wrong")
