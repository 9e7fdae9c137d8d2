"""An edge that starts while Redis is away: what its snapshot on disk is good for, and what it is not."""

import json
import stat
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.edge.running import SECRET, Control, Running, another, cached, eventually, private, public, running, sign
from tests.edge.test_follow import control_of, publish
from tests.servers.installation import Installation


def snapshot(edge: Running) -> Path:
    return edge.folder / "edge/snapshot.json"


def knows(edge: Running, kid: str) -> bool:
    return snapshot(edge).exists() and kid in json.loads(snapshot(edge).read_text())["keys"]


def test_redis_returns_to_a_running_edge(table: dict[str, Any], redis_of_our_own: Installation) -> None:
    """It began with its snapshot; a revocation and an invalidation made meanwhile are in force once Redis is back."""
    control = control_of(redis_of_our_own)
    publish(control)
    socket = Path(redis_of_our_own.settings()["redis"]["url"].removeprefix("unix://"))
    away = socket.with_name("away.sock")
    with running(f"unix://{socket}", table) as edge:
        eventually(lambda: edge.status()["ready"], "it has read the publications")
        path, other, signed = public(asset=another()), public(asset=another()), sign(private(asset=another()))
        for target in (path, other, signed):
            eventually(partial(cached, edge, target), "it is cached")
        eventually(lambda: knows(edge, "k1"), "a snapshot is saved")
        assert stat.S_IMODE(snapshot(edge).stat().st_mode) == 0o600
        assert SECRET not in snapshot(edge).read_bytes()
        edge.stop()
        control.put_key("k1", status="revoked")
        control.raise_generation(f"a:{path.split('/')[7]}")
        socket.rename(away)
        edge.start()
        for target in (path, signed, path + "?download=a.jpg"):
            reply = edge.get(target)
            # What was invalidated meanwhile can't be told, so nobody may keep it.
            assert (reply.status, reply.cache, reply.headers["cache-control"]) == (200, "STALE", "no-store"), target
        fresh = edge.get(sign(private(asset=another())))
        assert (fresh.status, fresh.cache, fresh.headers["cache-control"]) == (200, "MISS", "no-store")
        assert edge.get(sign(private(), kid="new")).code == "unavailable"
        assert edge.get(signed.replace("sig=", "sig=x")).code == "signature_invalid"
        assert edge.status()["restored"]

        away.rename(socket)
        eventually(lambda: edge.status()["ready"], "it has read the publications")
        assert edge.get(signed).status == 401
        assert edge.get(path).cache == "MISS"
        hit = edge.get(other)
        assert (hit.cache, hit.headers["cache-control"]) == ("HIT", "public, max-age=31536000, immutable")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "old", "future", "short"])
def test_a_snapshot_that_is_none(table: dict[str, Any], text: str) -> None:
    whole = {"format": 1, "saved": int(time.time()), "keys": {}, "slots": "AAAA" * 87381 + "AA=="}
    changes = {"old": {"saved": 1}, "future": {"saved": int(time.time()) + 9999}, "short": {"slots": "AAAA"}}
    content = json.dumps(whole | changes[text]) if text in changes else text
    with running("unix:///nowhere/redis.sock", table) as edge:
        edge.stop()
        snapshot(edge).write_text(content)
        snapshot(edge).chmod(0o644)
        edge.start()
        assert edge.get(public()).code == "unavailable"
        assert edge.get(sign(private())).code == "unavailable"
        assert not edge.status()["restored"]


def test_a_folder_that_can_not_be_written(edge: Running, control: Control) -> None:
    """The snapshot is missed later; serving goes on."""
    assert edge.get(public()).status == 200
    folder = snapshot(edge).parent
    blocked = folder / "snapshot.json.new"
    blocked.mkdir()
    control.put_key("unsaved")
    eventually(lambda: "no snapshot saved" in edge.errors(), "it is in the log")
    assert edge.get(sign(private(), kid="unsaved")).status == 200
    blocked.rmdir()
    control.put_key("saved")
    eventually(lambda: knows(edge, "saved"), "the next one is saved")
