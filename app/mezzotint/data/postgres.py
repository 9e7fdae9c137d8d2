"""Transactions on PostgreSQL, each opened for one scope: row-level security does the rest."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from mezzotint.breaker import Breaker
from mezzotint.model.errors import Unavailable
from mezzotint.model.tenancy import Scope

_SLACK = 1.0
"""seconds past a statement's end by its server's clock, after which no answer will come"""


class Transaction:
    """An open transaction; it commits when its `with` block ends well and rolls back otherwise."""

    def __init__(self, connection: psycopg.Connection[DictRow], scope: Scope | None, audit_key: bytes | None) -> None:
        self._connection = connection
        self._scope = scope
        self._audit_key = audit_key

    @property
    def organization_id(self) -> UUID:
        """The organization this is open for. Raises ValueError when it is the operator's."""
        if self._scope is None:
            raise ValueError("this transaction is open for the operator, not for an organization")
        return self._scope.organization_id

    @property
    def tenant_id(self) -> UUID:
        """The tenant this is open for. Raises ValueError when it is open for more than one."""
        if self._scope is None or self._scope.tenant_id is None:
            raise ValueError("this transaction is not open for one tenant")
        return self._scope.tenant_id

    @property
    def scope(self) -> Scope | None:
        """Whose rows it sees; None: everybody's, as the operator."""
        return self._scope

    @property
    def audit_key(self) -> bytes:
        """What the audit log is sealed with. Raises ValueError for a handle that was made without it."""
        if self._audit_key is None:
            raise ValueError("whoever changes things needs the audit log's key")
        return self._audit_key

    def rows(self, sql: str, **values: Any) -> list[DictRow]:
        return self._connection.execute(sql.encode(), values).fetchall()

    def row(self, sql: str, **values: Any) -> DictRow | None:
        return self._connection.execute(sql.encode(), values).fetchone()

    def one(self, sql: str, **values: Any) -> DictRow:
        """The row of a statement that always gives one. Raises LookupError when it gave none."""
        row = self.row(sql, **values)
        if row is None:
            raise LookupError("the statement gave no row")
        return row

    def run(self, sql: str, **values: Any) -> int:
        """Execute and say how many rows were touched."""
        return self._connection.execute(sql.encode(), values).rowcount


class _Connection(psycopg.Connection[DictRow]):
    """One that also ends when the server accepts everything and never answers, which the server can't tell."""

    patience = 2.0
    silent = False

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.silent = True
                self.close()  # what it may still answer is for nobody
            raise


_Pool = ConnectionPool[_Connection]


class Database:
    """The registry, as the application's two roles see it.

    Connections are made when first needed, so that a process can start before its database. Every method raises
    Unavailable("database") when PostgreSQL can't be reached, is too busy, or takes longer than a timeout (seconds);
    at once while `breaker` is open. `audit_key` seals the audit log.
    """

    def __init__(
        self,
        app_dsn: str,
        operator_dsn: str,
        *,
        size: int = 8,
        timeout: float = 2.0,
        statement_timeout: float = 2.0,
        audit_key: bytes | None = None,
    ) -> None:
        self._audit_key = audit_key
        self.breaker = Breaker(
            "database", trouble=psycopg.OperationalError, refusal=lambda why: Unavailable("database", why)
        )
        self._patience = statement_timeout + _SLACK
        self._app = _pool(app_dsn, "app", size, timeout, statement_timeout)
        self._operator = _pool(operator_dsn, "operator", size, timeout, statement_timeout)

    @contextmanager
    def scoped(self, scope: Scope) -> Iterator[Transaction]:
        """A transaction that sees and writes the rows of `scope` only."""
        with self._transaction(self._app) as connection:
            # Local to the transaction: the next one on this connection starts with nothing and sees nothing.
            connection.execute(
                "SELECT set_config('app.organization', %s, true), set_config('app.tenant', %s, true)",
                (str(scope.organization_id), str(scope.tenant_id or "")),
            )
            yield Transaction(connection, scope, self._audit_key)

    @contextmanager
    def operator(self, *, statement_timeout: float | None = None) -> Iterator[Transaction]:
        """A transaction across all tenants: for publication, look-ups by slug or API key, and administration."""
        with self._transaction(self._operator, statement_timeout) as connection:
            if statement_timeout is not None:
                # Between its statements it may wait as long: for Redis to take what was read, say.
                connection.execute(
                    "SELECT set_config(name, %s, true)"
                    " FROM unnest(ARRAY['statement_timeout', 'idle_in_transaction_session_timeout']) AS name",
                    (_ms(statement_timeout),),
                )
            yield Transaction(connection, None, self._audit_key)

    def check(self) -> None:
        """Ask something trivial, as either role."""
        for pool in (self._app, self._operator):
            with self._transaction(pool) as connection:
                connection.execute("SELECT 1")

    def close(self) -> None:
        self._app.close()
        self._operator.close()

    @contextmanager
    def _transaction(self, pool: _Pool, statement_timeout: float | None = None) -> Iterator[_Connection]:
        try:
            with self.breaker.guard():
                pool.open()
                with pool.connection() as connection:
                    connection.patience = self._patience if statement_timeout is None else statement_timeout + _SLACK
                    yield connection
        except psycopg.OperationalError as error:
            raise Unavailable("database") from error


def _pool(dsn: str, name: str, size: int, timeout: float, statement_timeout: float) -> _Pool:
    def check(connection: _Connection) -> None:
        connection.patience = timeout
        try:
            _Pool.check_connection(connection)
        except psycopg.OperationalError:
            if not connection.silent:
                # The server has restarted, so the other idle connections are as dead: replace them all at once.
                pool.check()
            raise

    idle = _ms(5 * statement_timeout)
    pool = ConnectionPool(
        dsn,
        connection_class=_Connection,
        kwargs={
            "row_factory": dict_row,
            "connect_timeout": 2,
            "application_name": f"mezzotint-{name}",
            "options": f"-c statement_timeout={_ms(statement_timeout)} -c idle_in_transaction_session_timeout={idle}",
        },
        name=name,
        min_size=1,
        max_size=size,
        timeout=timeout,
        check=check,
        # A server that returns is noticed soon: by default the pool would wait ever longer, up to minutes.
        reconnect_timeout=timeout,
        open=False,
    )
    return pool


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))
