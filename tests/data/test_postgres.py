"""The database being away, slow or gone for a while."""

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import psycopg
import pytest

from mezzotint.data.postgres import Database
from mezzotint.model.errors import Unavailable
from mezzotint.model.identifiers import new_id
from mezzotint.model.tenancy import Scope
from tests.journeys.waiting import until

SCOPE = Scope(new_id(), new_id())


def opens(database: Database) -> bool:
    """Whether it does now: one of little patience may give up before its first connection is there."""
    with suppress(Unavailable), database.scoped(SCOPE):
        return True
    return False


def test_a_database_that_is_not_there_is_unavailable(tmp_path):
    dsn = f"postgresql://nobody@/nothing?host={tmp_path}"
    database = Database(dsn, dsn, timeout=0.2)
    for ask in (database.check, lambda: database.operator().__enter__(), lambda: database.scoped(SCOPE).__enter__()):
        with pytest.raises(Unavailable) as refused:
            ask()
        assert refused.value.part == "database"
    database.close()


def test_a_role_that_is_not_let_in_is_told_of(postgres):
    stranger = postgres.operator_dsn.replace("mezzotint_operator:", "mezzotint_operator:not-")
    database = Database(postgres.app_dsn, stranger, timeout=0.5)
    until(lambda: opens(database))
    with pytest.raises(Unavailable):
        database.check()
    database.close()


def test_a_slow_statement_is_stopped(postgres):
    database = Database(postgres.app_dsn, postgres.operator_dsn, statement_timeout=0.1)
    with pytest.raises(Unavailable), database.scoped(SCOPE) as tx:
        tx.run("SELECT pg_sleep(60)")
    with pytest.raises(Unavailable), database.operator() as tx:
        tx.run("SELECT pg_sleep(60)")
    with database.operator(statement_timeout=30) as tx:
        tx.run("SELECT pg_sleep(0.2)")
    with pytest.raises(Unavailable), database.operator() as tx:
        tx.run("SELECT pg_sleep(60)")
    database.close()


def test_a_full_pool_refuses_in_time(postgres):
    database = Database(postgres.app_dsn, postgres.operator_dsn, size=1, timeout=0.5)
    until(lambda: opens(database))
    with database.scoped(SCOPE), pytest.raises(Unavailable), database.scoped(SCOPE):
        pass
    until(lambda: opens(database))
    database.close()


def test_all_connections_that_died_are_replaced_before_anybody_notices(postgres):
    database = Database(postgres.app_dsn, postgres.operator_dsn, size=6, timeout=30, statement_timeout=30)
    with ThreadPoolExecutor(6) as pool:
        together = Barrier(6)

        def visit(_):
            with database.scoped(SCOPE) as tx:
                together.wait(10)
                return tx.one("SELECT pg_backend_pid() AS pid")["pid"]

        pids = set(pool.map(visit, range(6)))
        assert len(pids) == 6
        with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", (list(pids),))
        assert pids.isdisjoint(pool.map(visit, range(6)))
    database.close()


def test_a_mistake_of_the_caller_is_not_the_databases(database):
    with pytest.raises(KeyError), database.scoped(SCOPE):
        raise KeyError
    with pytest.raises(psycopg.errors.UndefinedTable), database.scoped(SCOPE) as tx:
        tx.run("SELECT * FROM nothing")


def test_a_transaction_knows_whose_it_is(database):
    with database.scoped(SCOPE) as tx:
        assert (tx.organization_id, tx.tenant_id) == (SCOPE.organization_id, SCOPE.tenant_id)
    with database.scoped(Scope(SCOPE.organization_id)) as tx, pytest.raises(ValueError, match="one tenant"):
        _ = tx.tenant_id
    with database.operator() as tx, pytest.raises(ValueError, match="operator"):
        _ = tx.organization_id


def test_under_gevent_greenlets_share_the_pool_and_a_killed_one_leaves_nothing_open(postgres):
    """In a process of its own, as gunicorn runs it: patched before anything else is imported."""
    program = """
        from gevent import monkey; monkey.patch_all()
        import sys
        import gevent
        from mezzotint.data.postgres import Database
        from mezzotint.model.identifiers import new_id
        from mezzotint.model.tenancy import Scope

        database = Database(sys.argv[1], sys.argv[2], size=2, timeout=30, statement_timeout=30)
        scopes = [Scope(new_id(), new_id()) for _ in range(20)]
        ticks = []

        def tick():
            while True:
                ticks.append(1)
                gevent.sleep(0.01)

        def visit(scope, victim):
            with database.scoped(scope) as tx:
                if victim:
                    with gevent.Timeout(0.05):
                        tx.run("SELECT pg_sleep(20)")
                tx.run("SELECT pg_sleep(0.01)")
                return tx.one("SELECT current_setting('app.tenant') AS tenant")["tenant"] == str(scope.tenant_id)

        ticker = gevent.spawn(tick)
        visits = [gevent.spawn(visit, scope, number % 5 == 0) for number, scope in enumerate(scopes * 3)]
        gevent.joinall(visits)
        fates = [type(each.exception).__name__ if each.exception else each.value for each in visits]
        assert fates == (["Timeout"] + [True] * 4) * 12, fates
        assert len(ticks) > 10, "the hub was blocked"
        with database.scoped(scopes[0]) as tx:
            assert tx.one("SELECT 1 AS one")["one"] == 1
        database.close()
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), postgres.app_dsn, postgres.operator_dsn],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
