"""The connection to Redis, which saves work and carries news, and without which everything still answers."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import ConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from mezzotint.model.errors import Unavailable

__all__ = ["Redis", "check", "connect", "patient", "reaching"]


def connect(url: str, *, timeout: float = 0.5) -> Redis:
    """A client for `url` (redis://, rediss://, unix://) that connects when first used; `timeout` is seconds."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        # Once, at once: what fails most is a connection that Redis closed while it lay idle.
        retry=Retry(NoBackoff(), 1),
    )


def patient(client: Redis, timeout: float) -> Redis:
    """A client of the same Redis whose commands may take `timeout` seconds."""
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
