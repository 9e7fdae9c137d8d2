"""Locks in Redis: they save work and never guard correctness."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from redis import Redis, RedisError
from redis.lock import Lock

log = logging.getLogger(__name__)


@contextmanager
def variant(redis: Redis, tenant_id: UUID, identity: str, *, wait: float, hold: float) -> Iterator[bool]:
    """Hold a variant's lock, so that it is made once; says whether it is held.

    It is not when another process kept it for all of `wait` seconds, or when Redis is away; the caller goes on either
    way. A holder that dies loses it after `hold` seconds.
    """
    # Released only while it is still ours: the library compares the token it wrote.
    lock = Lock(redis, f"mz:{{{tenant_id}}}:making:{identity}", timeout=hold, sleep=0.02, thread_local=False)
    held = _acquire(lock, wait)
    try:
        yield held
    finally:
        if held:
            _release(lock)


def _acquire(lock: Lock, wait: float) -> bool:
    try:
        return bool(lock.acquire(blocking_timeout=wait))
    except RedisError as error:
        log.warning("going on without a lock: %s", error)
        return False


def _release(lock: Lock) -> None:
    try:
        lock.release()
    except RedisError as error:
        log.warning("a lock was lost before its work was done: %s", error)
