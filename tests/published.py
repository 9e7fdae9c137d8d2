"""What is published of tenancy, as an edge reads it when it starts."""

import json
from typing import Any

from redis import Redis

from mezzotint.data.snapshot import GENERATIONS, KEYS, PRESETS, SPACES, Content, Snapshot


def content(client: Redis) -> Content | None:
    """All of it; None where nothing is that can be trusted."""
    if Snapshot(client).epoch() is None:
        return None
    return Content(
        keys=_records(client, KEYS),
        generations={scope: int(number) for scope, number in client.hgetall(GENERATIONS).items()},
        spaces=_records(client, SPACES),
        presets=_records(client, PRESETS),
    )


def _records(client: Redis, name: str) -> dict[str, dict[str, Any]]:
    return {key: json.loads(text) for key, text in client.hgetall(name).items()}
