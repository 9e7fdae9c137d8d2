"""The built-in storages keep the contract, those for S3 against real servers."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from mezzotint.plugin_api import Storage
from mezzotint.plugins.storages.filesystem import Filesystem
from mezzotint.plugins.storages.memory import Memory
from mezzotint.plugins.storages.minio import MinIO
from mezzotint.services.store_threads import threaded
from tests.contracts.storage_contract import StorageContract
from tests.servers.s3 import S3Server


class TestMemory(StorageContract):
    @pytest.fixture
    def store(self) -> Storage:
        return Memory()


class TestFilesystem(StorageContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Storage:
        return Filesystem(str(tmp_path / "objects"))


class TestThreaded(StorageContract):
    """A storage whose calls run in threads keeps what it kept."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Storage]:
        with ThreadPoolExecutor(8) as pool:
            yield threaded(Filesystem(str(tmp_path / "objects")), lambda work, limit: pool.submit(work).result(limit))


class TestS3(StorageContract):
    @pytest.fixture
    def store(self, s3: S3Server) -> Storage:
        store = MinIO(**s3.options("contract"), prefix=uuid4().hex)
        store.check()
        return store


@pytest.mark.parametrize("module", ["filesystem", "memory", "minio"])
def test_declaring_a_storage_needs_no_library(module: str) -> None:
    script = f"import sys, mezzotint.plugins.storages.{module}; print(*{{'minio', 'urllib3'}} & set(sys.modules))"
    command = [sys.executable, "-c", script]
    loaded = subprocess.run(command, env={"PYTHONPATH": ":".join(sys.path)}, check=True, capture_output=True)
    assert loaded.stdout == b"\n"
