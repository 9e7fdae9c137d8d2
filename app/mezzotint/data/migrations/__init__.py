"""The schema, one revision after another."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine, text

# Any number that nobody else uses for an advisory lock.
_LOCK = 6_149_372_801


def upgrade(owner_dsn: str) -> None:
    """Bring the schema up to date; with nothing to do, do nothing. Two at once wait for each other.

    `owner_dsn` is that of mezzotint_owner; `roles.ensure` comes first. Raises psycopg or SQLAlchemy errors.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(owner_dsn, connect_timeout=5),
        poolclass=NullPool,
    )
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
