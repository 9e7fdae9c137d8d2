"""The edge of each dependency against a server that accepts and never answers: who knocks, and how often."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
import redis

from mezzotint.breaker import FAILURES, Breaker, State
from mezzotint.data.locks import variant
from mezzotint.data.postgres import Database
from mezzotint.data.redis import connect
from mezzotint.data.variant_cache import VariantCache
from mezzotint.model.errors import Unavailable
from mezzotint.model.identifiers import new_id
from mezzotint.plugin_api import StoreUnavailable
from mezzotint.plugins.storages.minio import MinIO
from mezzotint.services.health import Check, Readiness
from mezzotint.services.store_guard import guarded

OFTEN = 20


class Mute:
    """A server that takes every connection and says nothing."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.knocked: list[socket.socket] = []
        listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self.knocked.append(self._listener.accept()[0])

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in [self._listener, *self.knocked]:
            each.close()


@pytest.fixture
def port() -> Iterator[tuple[int, Mute]]:
    listener = socket.create_server(("127.0.0.1", 0))
    mute = Mute(listener)
    yield listener.getsockname()[1], mute
    mute.close()


@pytest.fixture
def mute_socket(tmp_path: Path) -> Iterator[tuple[Path, Mute]]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "mute"))
    mute = Mute(listener)
    yield tmp_path / "mute", mute
    mute.close()


def bucket_at(port: int) -> MinIO:
    place = {"endpoint": f"127.0.0.1:{port}", "bucket": "bucket", "secure": False, "timeout": 0.1}
    return MinIO(**place, access_key="a", secret_key="b")


def test_redis_is_knocked_at_until_the_breaker_opens(mute_socket: tuple[Path, Mute]):
    path, mute = mute_socket
    client = connect(f"unix://{path}", timeout=0.1)
    cache = VariantCache(client)
    for _ in range(OFTEN):
        assert cache.get(new_id(), "an identity") is None
        with variant([client], new_id(), "an identity", wait=3600, hold=1) as held:
            assert not held
        with pytest.raises(redis.RedisError):
            client.pipeline().get("a").execute()
    assert client.breaker.state is not State.CLOSED
    assert len(mute.knocked) < 2 * FAILURES  # a few, and perhaps a probe


def test_postgresql_is_waited_for_until_the_breaker_opens(port: tuple[int, Mute]):
    number, _ = port
    dsn = f"postgresql://somebody@127.0.0.1:{number}/nothing"
    database = Database(dsn, dsn, timeout=0.1)
    try:
        for _ in range(OFTEN):
            with pytest.raises(Unavailable, match="database"), database.operator():
                pass
        assert database.breaker.state is not State.CLOSED
        assert database._operator.get_stats()["requests_num"] < 2 * FAILURES
    finally:
        database.close()


def test_a_store_is_knocked_at_until_the_breakers_open(port: tuple[int, Mute]):
    number, mute = port
    store, breakers = guarded("originals", bucket_at(number))
    for _ in range(OFTEN):
        with pytest.raises(StoreUnavailable):
            store.stat("a")
        with pytest.raises(StoreUnavailable):
            store.put("a", BytesIO(b"a"), size=1, content_type="image/jpeg")
        with pytest.raises(StoreUnavailable):
            store.check()
    assert all(breaker.state is not State.CLOSED for breaker in breakers)
    assert len(mute.knocked) < 4 * FAILURES


def test_a_store_that_is_only_read_is_knocked_at_until_the_breaker_opens(port: tuple[int, Mute]):
    """As renders do: is it a file here already? Else it is fetched."""
    number, mute = port
    store, (reading, _) = guarded("originals", bucket_at(number))
    for _ in range(OFTEN):
        assert store.local_path("a") is None
        assert store.presigned_get("a", seconds=60)
        with pytest.raises(StoreUnavailable), store.open("a"):
            pass
        with pytest.raises(StoreUnavailable):
            list(store.list())
    assert reading.state is not State.CLOSED
    assert len(mute.knocked) < 2 * FAILURES


def test_nobody_is_sent_to_a_store_in_trouble(port: tuple[int, Mute]):
    number, _ = port
    store, (reading, _) = guarded("originals", bucket_at(number))
    for _ in range(FAILURES):
        assert store.fetch_path("a") is not None
        with pytest.raises(StoreUnavailable):
            store.stat("a")
    assert store.fetch_path("a") is None
    assert reading.state is not State.CLOSED


class FullDisk:
    """A storage that reads well and refuses to write."""

    kind = "full"

    def stat(self, key: str) -> str:
        return key

    def put(self, *_: object, **__: object) -> None:
        raise StoreUnavailable("no space left")

    def check(self) -> None:
        """All is well: what is there is served."""


def test_a_store_that_can_not_be_written_to_is_read_all_the_same():
    store, (reading, writing) = guarded("originals", FullDisk())  # type: ignore[arg-type]
    for _ in range(OFTEN):
        with pytest.raises(StoreUnavailable):
            store.put("a", BytesIO(), size=0, content_type="")
        assert store.stat("a") == "a"
        store.check()
    assert reading.state is State.CLOSED
    assert writing.state is not State.CLOSED


def test_readiness_waits_for_nobody():
    never = threading.Event()
    calm = Breaker("part", trouble=KeyError, refusal=KeyError)
    checks = {"hangs": Check(never.wait, [calm]), "is well": Check(lambda: None, [calm])}
    hangs, well = Readiness(checks, patience=0.2).look()
    assert (hangs.part, hangs.ok, hangs.problem) == ("hangs", False, "does not answer")
    assert (well.part, well.ok, well.problem) == ("is well", True, None)
    never.set()
