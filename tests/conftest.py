"""The real servers that tests share, started through the same supervisor as an installation's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import requests

from tests.servers.installation import Installation, Stack, free_port
from tests.servers.postgres import Postgres, running_postgres

REPOSITORY = Path(__file__).parents[1]
CORPUS = Path(os.environ.get("MEZZOTINT_CORPUS") or REPOSITORY.parent / "shared/corpus")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with Installation(only=["redis"]) as installation:
        yield installation.settings()["redis"]["url"]


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """Connected to an empty Redis."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Shared by all: a test that kills a part waits until it is back."""
    with Installation(port=free_port()) as installation, requests.Session() as control:
        control.headers["X-API-Key"] = (installation.folder / "secrets/api_key").read_text().strip()
        base_url = installation.settings()["public"]["base_url"]
        yield Stack(base_url, control, installation.folder, installation.part, installation.output)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real pictures beside the repository: `photos/` and `hostile/`."""
    if not CORPUS.is_dir():
        pytest.skip(f"the pictures of {CORPUS} are not part of the project, and not there")
    return CORPUS
