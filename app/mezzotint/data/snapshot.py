"""The snapshot: what edges and origins need of tenancy, in Redis.

    mz:epoch        names the publication; absent, Redis has lost its data
    mz:server       the run of the Redis server that the publication was made on; of another one, the data may be old
    mz:keys         kid → record           mz:spaces   organization/tenant/space → record
    mz:generations  scope → number         mz:presets  path → record
    mz:events       stream of changes: type, name, value ("" for removed), for a generation also delta

A hash and the stream change together, in one script or transaction, so that who reads all and then follows the
stream from where it stood misses nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from mezzotint.data.redis import patient, reaching
from mezzotint.model.address import Address
from mezzotint.model.identifiers import to_ulid

Record = dict[str, Any]

EPOCH, SERVER, EVENTS = "mz:epoch", "mz:server", "mz:events"
KEYS, GENERATIONS, SPACES, PRESETS = "mz:keys", "mz:generations", "mz:spaces", "mz:presets"
HASHES = {"key": KEYS, "space": SPACES, "preset": PRESETS}

# An edge away for more changes than these reads all again.
_EVENTS_KEPT = 100_000

# Unchanged records are no news: a policy that changes touches many spaces, and most of them not.
_PUT = """
local old = redis.call('HGET', KEYS[1], ARGV[2])
if (old or '') == ARGV[3] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[2]) else redis.call('HSET', KEYS[1], ARGV[2], ARGV[3]) end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'type', ARGV[1], 'name', ARGV[2], 'value', ARGV[3])
return 1
"""

# In one command, since it is asked with every request; nothing where there is no publication to be trusted.
_LOOK = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if not redis.call('GET', KEYS[1]) or redis.call('GET', KEYS[2]) ~= run then return false end
local paths, scopes, presets = {}, {}, tonumber(ARGV[3])
for i = 4, #ARGV do
    if i < 4 + presets then paths[#paths + 1] = ARGV[i] else scopes[#scopes + 1] = ARGV[i] end
end
return {
    redis.call('HGET', KEYS[3], ARGV[1]),
    redis.call('HGET', KEYS[4], ARGV[2]),
    presets > 0 and redis.call('HMGET', KEYS[5], unpack(paths)) or {},
    redis.call('HMGET', KEYS[6], unpack(scopes)),
}
"""

# A generation never falls.
_RAISE = """
local old = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local new = tonumber(ARGV[2])
if new <= old then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*',
    'type', 'generation', 'name', ARGV[1], 'value', ARGV[2], 'delta', string.format('%d', new - old))
return 1
"""


@dataclass(frozen=True, slots=True)
class Content:
    """All that is published."""

    keys: Mapping[str, Record]
    generations: Mapping[str, int]
    spaces: Mapping[str, Record]
    presets: Mapping[str, Record]


@dataclass(frozen=True, slots=True)
class Looked:
    """What the snapshot holds for one address; None for what it does not."""

    space: Record | None
    key: Record | None
    preset: Record | None
    generations: tuple[int, ...]


class Snapshot:
    """Reads and writes the snapshot. Every method raises Unavailable("redis")."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._look = redis.register_script(_LOOK)
        self._put = redis.register_script(_PUT)
        self._raise = redis.register_script(_RAISE)

    def look(self, address: Address, *, kid: str | None = None, preset: str | None = None) -> Looked | None:
        """What one delivery needs, in one round trip: the nearest preset wins. None as for `epoch`."""
        paths = preset_paths(address, preset)
        with reaching():
            found: Any = self._look(
                keys=[EPOCH, SERVER, SPACES, KEYS, PRESETS, GENERATIONS],
                args=[address.place, kid or "", len(paths), *paths, *generation_scopes(address, preset)],
            )
        if found is None:
            return None
        space, key, presets, numbers = found
        return Looked(
            space=_record(space),
            key=_record(key),
            preset=next((_record(found) for found in reversed(presets) if found), None),
            generations=tuple(int(number or 0) for number in numbers),
        )

    def epoch(self) -> str | None:
        """The epoch of the publication; None when there is none to be trusted.

        A server that has restarted since may have come back with older data under its name.
        """
        with reaching():
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.get(EPOCH)
            pipeline.get(SERVER)
            pipeline.info("server")
            epoch, server, info = pipeline.execute()
        return epoch if server == info["run_id"] else None

    def publish(self, epoch: str, content: Content) -> None:
        """Replace everything under a new epoch."""
        texts: dict[str, dict[Any, Any]] = {
            KEYS: _texts(content.keys),
            GENERATIONS: {name: str(number) for name, number in content.generations.items()},
            SPACES: _texts(content.spaces),
            PRESETS: _texts(content.presets),
        }
        with reaching():
            server = self._redis.info("server")["run_id"]
            pipeline = patient(self._redis, 30).pipeline(transaction=True)
            for name, values in texts.items():
                pipeline.delete(name)
                if values:
                    pipeline.hset(name, mapping=values)
            pipeline.set(SERVER, server)
            pipeline.set(EPOCH, epoch)
            pipeline.xadd(
                EVENTS, {"type": "epoch", "name": epoch, "value": epoch}, maxlen=_EVENTS_KEPT, approximate=True
            )
            pipeline.execute()

    def put(self, type_: str, records: Mapping[str, Record | None]) -> None:
        """Publish records of one type ("key", "space", "preset") by name; None removes one."""
        with reaching():
            pipeline = self._redis.pipeline(transaction=False)
            for name, record in records.items():
                text = _text(record) if record is not None else ""
                self._put(keys=[HASHES[type_], EVENTS], args=[type_, name, text, _EVENTS_KEPT], client=pipeline)
            pipeline.execute()

    def raise_generations(self, numbers: Mapping[str, int]) -> None:
        """Publish generations by scope; one that is not larger than the published one is ignored."""
        with reaching():
            pipeline = self._redis.pipeline(transaction=False)
            for scope, number in numbers.items():
                self._raise(keys=[GENERATIONS, EVENTS], args=[scope, number, _EVENTS_KEPT], client=pipeline)
            pipeline.execute()


def generation_scopes(address: Address, preset: str | None) -> list[str]:
    """The scopes whose generations are part of the address's cache key: all, down to the asset, then the presets."""
    organization, tenant = address.organization, f"{address.organization}/{address.tenant}"
    scopes = ["*", f"o:{organization}", f"t:{tenant}", f"s:{address.place}", f"a:{to_ulid(address.asset)}"]
    return scopes + [f"p:{path}" for path in preset_paths(address, preset)]


def preset_paths(address: Address, preset: str | None) -> list[str]:
    """Where a preset of this name may be, the farthest first."""
    if preset is None:
        return []
    owners = (address.organization, f"{address.organization}/{address.tenant}", address.place)
    return [f"{owner}/{preset}" for owner in owners]


def _record(text: str | None) -> Record | None:
    return json.loads(text) if text else None


def _texts(records: Mapping[str, Record]) -> dict[str, str]:
    return {name: _text(record) for name, record in records.items()}


def _text(record: Record) -> str:
    return json.dumps(record, separators=(",", ":"), sort_keys=True)
