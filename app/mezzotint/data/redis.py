"""The connection to Redis, which saves work and carries news, and without which everything still answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import ConnectionPool, Redis, RedisError, exceptions
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from mezzotint.breaker import PAUSE, Breaker
from mezzotint.model.errors import Unavailable

__all__ = ["Redis", "check", "connect", "patient", "reaching"]


class _GuardedPipeline(Pipeline):
    breaker: Breaker

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        with self.breaker.guard():
            return super().execute(raise_on_error)


class GuardedRedis(Redis):
    """A client that asks only while `breaker` lets it; refused, it raises the library's own ConnectionError."""

    def __init__(self, pool: ConnectionPool, pause: float) -> None:
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True
        self.breaker = Breaker(
            "redis",
            trouble=(exceptions.ConnectionError, exceptions.TimeoutError),
            refusal=exceptions.ConnectionError,
            pause=pause,
        )

    def execute_command(self, *args: Any, **options: Any) -> Any:
        with self.breaker.guard():
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Pipeline:
        pipeline = _GuardedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipeline.breaker = self.breaker
        return pipeline


def connect(url: str, *, timeout: float = 0.5, pause: float = PAUSE) -> GuardedRedis:
    """A client for `url` (redis://, rediss://, unix://) that connects when first used; `timeout` and `pause`, its
    breaker's, are seconds.
    """
    return GuardedRedis(
        ConnectionPool.from_url(
            url,
            decode_responses=True,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # Once, at once: what fails most is a connection that Redis closed while it lay idle. What was silent for
            # all of the timeout is not asked again.
            retry=Retry(NoBackoff(), 1, supported_errors=(exceptions.ConnectionError,)),
        ),
        pause,
    )


def patient(client: Redis, timeout: float) -> Redis:
    """A client of the same Redis whose commands may take `timeout` seconds, for work that nobody waits for."""
    pool = client.connection_pool
    settings = pool.connection_kwargs | {"socket_timeout": timeout}
    return Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **settings))


@contextmanager
def reaching() -> Iterator[None]:
    """Turn the client's errors into Unavailable("redis")."""
    try:
        yield
    except RedisError as error:
        raise Unavailable("redis") from error


def check(client: Redis) -> None:
    """Ask something trivial. Raises Unavailable."""
    with reaching():
        client.ping()
