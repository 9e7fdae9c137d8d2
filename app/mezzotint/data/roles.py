"""The three database roles and the database itself."""

from collections.abc import Mapping

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

OWNER, APP, OPERATOR = "mezzotint_owner", "mezzotint_app", "mezzotint_operator"


def ensure(admin_dsn: str, passwords: Mapping[str, str], *, database: str = "mezzotint") -> None:
    """Create what is missing, and set attributes and passwords (keys: owner, app, operator) as they should be.

    Needs a superuser's DSN. The owner migrates and owns; app and operator own nothing, and none may become another.
    """
    with psycopg.connect(admin_dsn, autocommit=True, connect_timeout=5) as connection:
        for role, password in ((OWNER, "owner"), (APP, "app"), (OPERATOR, "operator")):
            _ensure_role(connection, role, passwords[password])
        name = sql.Identifier(database)
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", database):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    name, sql.Identifier(OWNER)
                )
            )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(
                name, sql.Identifier(APP), sql.Identifier(OPERATOR)
            )
        )


def ensure_for(admin_dsn: str, *, owner_dsn: str, app_dsn: str, operator_dsn: str) -> None:
    """`ensure` the roles and the database that these DSNs speak of. Raises ValueError for a role by another name."""
    named = {"owner": (OWNER, owner_dsn), "app": (APP, app_dsn), "operator": (OPERATOR, operator_dsn)}
    parts = {key: conninfo_to_dict(dsn) for key, (_, dsn) in named.items()}
    for key, (role, _) in named.items():
        if parts[key].get("user") != role or not parts[key].get("password"):
            raise ValueError(f"database.{key}_dsn: names the role {role} and its password")
    passwords = {key: str(part["password"]) for key, part in parts.items()}
    ensure(admin_dsn, passwords, database=str(parts["owner"].get("dbname", OWNER)))


def _ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    name = sql.Identifier(role)
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
    # Hashed here, so that the server's log never holds the password.
    hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    connection.execute(
        sql.SQL(
            "ALTER ROLE {} LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}"
        ).format(name, sql.Literal(hashed.decode()))
    )


def _exists(connection: psycopg.Connection, query: str, value: str) -> bool:
    return connection.execute(query.encode(), (value,)).fetchone() is not None
