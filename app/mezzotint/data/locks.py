"""Locks in Redis: they save work and never guard correctness."""

import logging
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from uuid import UUID, uuid4

from redis import Redis, RedisError
from redis.lock import Lock

log = logging.getLogger(__name__)

_LOOK_AGAIN = (0.02, 0.04)
"""seconds, between which and which: two that were refused together should not come back together"""


@contextmanager
def variant(nodes: Sequence[Redis], tenant_id: UUID, identity: str, *, wait: float, hold: float) -> Iterator[bool]:
    """Hold a variant's lock, so that it is made once; says whether it is held.

    It is held on more than half of `nodes`, servers that know nothing of each other (or one). It is not when another
    process kept it for all of `wait` seconds, or when too many nodes are away; the caller goes on either way. A holder
    keeps it as long as it lives; one that dies, or stands still, loses it within `hold` seconds.
    """
    name = f"mz:{{{tenant_id}}}:making:{identity}"
    # Released only where it is still ours: the library compares the token it wrote.
    locks = [Lock(node, name, timeout=hold, thread_local=False) for node in nodes]
    if not _acquire(locks, wait, hold):
        yield False
        return
    done = Event()
    Thread(target=_keep, args=(locks, hold / 3, done), daemon=True).start()
    try:
        yield True
    finally:
        done.set()
        _release(locks)


def _acquire(locks: Sequence[Lock], wait: float, hold: float) -> bool:
    give_up, most_away = time.monotonic() + wait, (len(locks) - 1) // 2
    while True:
        started, token = time.monotonic(), uuid4().hex
        taken, away = 0, 0
        for lock in locks:
            try:
                taken += bool(lock.acquire(blocking=False, token=token))
            except RedisError as error:
                log.warning("a lock's node does not answer: %s", error)
                lock.local.token = token.encode()  # which it may have taken in all the same
                away += 1
        # A majority that took as long to gather as it lasts is none.
        if taken > len(locks) // 2 and time.monotonic() - started < hold:
            return True
        _release(locks)
        if away > most_away or time.monotonic() >= give_up:
            return False
        time.sleep(random.uniform(*_LOOK_AGAIN))  # noqa: S311


def _keep(locks: Sequence[Lock], every: float, done: Event) -> None:
    while not done.wait(every):
        for lock in locks:
            with suppress(RedisError):  # lost here; elsewhere it may still be ours
                lock.reacquire()


def _release(locks: Sequence[Lock]) -> None:
    for lock in locks:
        if lock.local.token is None:
            continue
        try:
            lock.release()
        except RedisError as error:
            log.warning("a lock was lost before its work was done: %s", error)
