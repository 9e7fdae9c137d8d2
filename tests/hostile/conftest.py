"""A running installation, and a look behind it: the registry's rows, the store's objects, what was logged."""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from mezzotint.model.identifiers import to_ulid
from tests.journeys.conftest import Home, settle
from tests.servers.installation import Stack

FORMATS = {"image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"}


@pytest.fixture(scope="module")
def home(stack: Stack) -> Home:
    return settle(stack, "hostile")


@pytest.fixture(scope="session")
def rows(stack: Stack) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Asks PostgreSQL as its superuser, for whom no row is hidden."""
    settings = tomllib.loads((stack.folder / "mezzotint.toml").read_text())
    password = (stack.folder / "secrets/postgres_mezzotint_admin").read_text().strip()
    dsn = psycopg.conninfo.make_conninfo(settings["database"]["owner_dsn"], user="mezzotint_admin", password=password)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield lambda query, *values: connection.execute(query.encode(), values).fetchall()


@dataclass(frozen=True)
class Logs:
    """What all parts have logged since `begun`: file name to length then."""

    folder: Path
    begun: dict[str, int]

    @property
    def text(self) -> str:
        """Since then; whole lines of every file."""
        return "".join(
            path.read_bytes()[self.begun.get(path.name, 0) :].decode(errors="replace")
            for path in sorted(self.folder.glob("*.log"))
        )


@pytest.fixture(scope="module")
def logs(stack: Stack) -> Logs:
    folder = stack.folder / "log"
    return Logs(folder, {path.name: path.stat().st_size for path in folder.glob("*.log")})


def is_problem(answer: requests.Response) -> bool:
    """Whether this is one of the contract's problem documents, without anything of our insides in it."""
    document = answer.json() if answer.headers["Content-Type"] == "application/problem+json" else {}
    known = {"type", "title", "status", "detail", "code", "request_id", "field"}
    return (
        {"type", "title", "status", "detail", "code", "request_id"} <= document.keys() <= known
        and document["status"] == answer.status_code
        and not any(
            word in answer.text for word in ("Traceback", "/app/mezzotint", "site-packages", "psycopg", "/tmp/")
        )
    )


def stored_objects(stack: Stack, home: Home, rows: Callable[..., list[tuple[Any, ...]]]) -> set[str]:
    """The keys of all originals of the tenant, as they lie in the store's folder."""
    ((tenant,),) = rows(
        "SELECT t.id FROM tenants t JOIN organizations o ON o.id = t.organization_id WHERE o.slug = %s AND t.slug = %s",
        home.organization,
        home.tenant,
    )
    root = Path(tomllib.loads((stack.folder / "mezzotint.toml").read_text())["stores"]["originals"]["folder"])
    return {str(path.relative_to(root)) for path in (root / to_ulid(tenant)).rglob("*") if path.is_file()}
