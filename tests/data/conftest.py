"""A database handle, fresh names in it, and the snapshot."""

import itertools
from collections.abc import Iterator

import pytest

from mezzotint.data import organizations, spaces, tenants
from mezzotint.data.postgres import Database
from mezzotint.data.redis import connect
from mezzotint.data.snapshot import Snapshot
from mezzotint.model.tenancy import Organization
from mezzotint.services.publish import Publisher
from mezzotint.services.reach import Place

_numbers = itertools.count()
AUDIT_KEY = b"of these tests"


@pytest.fixture(scope="session")
def database(postgres) -> Iterator[Database]:
    patience = {"timeout": 30.0, "statement_timeout": 30.0}  # a busy machine is slow, not broken
    database = Database(postgres.app_dsn, postgres.operator_dsn, audit_key=AUDIT_KEY, **patience)
    yield database
    database.close()


@pytest.fixture
def settle(database):
    """Makes places, each in an organization of its own unless told which."""

    def make(organization: Organization | None = None) -> Place:
        number = next(_numbers)
        with database.operator() as tx:
            organization = organization or organizations.insert(tx, f"org-{number}", "An organization")
            tenant = tenants.insert(tx, organization.id, f"tenant-{number}", "A tenant")
            space = spaces.insert(tx, organization.id, tenant.id, f"space-{number}", "A space")
        return Place(organization, tenant, space)

    return make


@pytest.fixture
def place(settle) -> Place:
    return settle()


class Abandoned(Exception):
    """A caller's change of mind in the middle of a transaction."""


@pytest.fixture
def abandon():
    """Does something in a transaction that is then abandoned."""

    def run(transaction, act):
        with pytest.raises(Abandoned), transaction as tx:  # noqa: PT012 - the whole of it is abandoned
            act(tx)
            raise Abandoned

    return run


@pytest.fixture
def client(redis_client, redis_url):
    """An empty Redis, by the product's own client."""
    assert redis_client.dbsize() == 0
    with connect(redis_url, timeout=30) as client:
        yield client


@pytest.fixture
def snapshot(client) -> Snapshot:
    return Snapshot(client)


@pytest.fixture
def publisher(database, snapshot) -> Publisher:
    return Publisher(database, snapshot)
