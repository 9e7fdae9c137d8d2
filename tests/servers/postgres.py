"""PostgreSQL alone, as an installation has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers.installation import Installation


@dataclass(frozen=True)
class Postgres:
    """Connection strings by role; the database is migrated."""

    app_dsn: str
    operator_dsn: str
    owner_dsn: str
    admin_dsn: str


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    with Installation(only=["postgres"]) as installation:
        database = installation.settings()["database"]
        owner, password = (
            "mezzotint_owner",
            (installation.folder / "secrets/postgres_mezzotint_owner").read_text().strip(),
        )
        admin = (installation.folder / "secrets/postgres_mezzotint_admin").read_text().strip()
        admin_dsn = database["owner_dsn"].replace(f"{owner}:{password}", f"mezzotint_admin:{admin}")
        yield Postgres(
            admin_dsn=admin_dsn, **{name: database[name] for name in ("app_dsn", "operator_dsn", "owner_dsn")}
        )
