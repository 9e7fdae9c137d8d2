"""Real S3 servers for the storages that speak to one."""

from collections.abc import Iterator

import pytest

from tests.servers import minio as minio_server
from tests.servers import versitygw as versitygw_server
from tests.servers.s3 import S3Server

pytest.register_assert_rewrite("tests.contracts.storage_contract")


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with minio_server.running(tmp_path_factory.mktemp("minio")) as server:
        yield server


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with versitygw_server.running(tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture(params=["minio", "versitygw"])
def s3(request: pytest.FixtureRequest) -> S3Server:
    """One server after the other."""
    server: S3Server = request.getfixturevalue(request.param)
    return server
