"""What an edge knows, as publications come, Redis goes and comes back, and workers die."""

import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import redis

from tests.edge.running import Control, Running, another, cached, eventually, judged, private, public, running, sign
from tests.servers.installation import Installation


def control_of(installation: Installation) -> Control:
    return Control(redis.Redis.from_url(installation.settings()["redis"]["url"]))


def publish(control: Control) -> str:
    return control.publish_all(keys={"k1": Control.key("k1")}, generations={"*": 1})


def is_back(control: Control) -> bool:
    try:
        return bool(control.redis.ping())
    except redis.ConnectionError:
        return False


def test_a_revocation_holds_for_a_cached_picture(edge: Running, control: Control) -> None:
    control.put_key("brief")
    targets = [sign(private(asset=another()), kid="brief") for _ in range(8)]
    for target in targets:
        eventually(partial(cached, edge, target), "it is cached")
    control.put_key("brief", status="revoked")
    eventually(lambda: edge.get(targets[0]).status == 401, "the revocation is in force")
    for _ in range(3):  # whichever worker answers
        assert {edge.get(target).code for target in targets} == {"signature_invalid"}


def test_a_key_may_change_its_secret(edge: Running, control: Control) -> None:
    control.put_key("turning")
    old = sign(private(asset=another()), kid="turning")
    eventually(lambda: edge.get(old).status == 200, "the key has arrived")
    control.put_key("turning", secret=b"n" * 32)
    eventually(lambda: edge.get(old).status == 401, "the old secret is out of use")
    assert edge.get(sign(private(), kid="turning", secret=b"n" * 32)).status == 200


def test_a_removed_key_is_unknown(edge: Running, control: Control) -> None:
    control.put_key("leaving")
    target = sign(private(asset=another()), kid="leaving")
    eventually(lambda: edge.get(target).status == 200, "the key has arrived")
    control.redis.hdel("mz:keys", "leaving")
    control.redis.xadd("mz:events", {"type": "key", "name": "leaving", "value": ""})
    eventually(lambda: edge.get(target).status == 401, "the key is gone")


def test_a_key_that_was_asked_for_too_early(edge: Running, control: Control) -> None:
    target = sign(private(), kid="early")
    assert judged(edge, target).code == "signature_invalid"
    control.put_key("early")
    eventually(lambda: edge.get(target).status == 200, "the key works at once")


def test_a_key_the_stream_never_told_of_is_looked_up(edge: Running, control: Control) -> None:
    control.redis.hset("mz:keys", "silent", Control.key("silent"))
    assert judged(edge, sign(private(), kid="silent")).status == 200
    assert edge.get(sign(private(), kid="silent", seconds=900)).status == 200


def test_a_key_sealed_with_another_key_opens_nothing(edge: Running, control: Control) -> None:
    control.put_key("foreign", seal_key=bytes(32))
    control.put_key("after")
    eventually(lambda: edge.get(sign(private(), kid="after")).status == 200, "the news have arrived")
    assert judged(edge, sign(private(), kid="foreign")).code == "signature_invalid"


def test_events_of_others_and_broken_ones_harm_nothing(edge: Running, control: Control) -> None:
    for fields in (
        {"type": "space", "name": "acme/website/marketing", "value": "{}"},
        {"type": "preset", "name": "acme/card", "value": ""},
        {"type": "unheard of", "name": "x", "value": "y"},
        {"type": "generation", "name": "o:broken"},
        {"surprise": "!"},
    ):
        control.redis.xadd("mz:events", fields)  # type: ignore[arg-type]
    control.put_key("still")
    eventually(lambda: edge.get(sign(private(), kid="still")).status == 200, "it still follows")


def test_events_that_were_trimmed_away_before_they_were_read(edge: Running, control: Control) -> None:
    path = public(asset=another())
    eventually(partial(cached, edge, path), "it is cached")
    with control.redis.pipeline(transaction=True) as change:
        change.hincrby("mz:generations", "s:acme/website/marketing", 1)
        change.xadd("mz:events", {"type": "generation", "name": "s:acme/website/marketing", "value": 1, "delta": 1})
        change.xadd("mz:events", {"type": "preset", "name": "acme/card", "value": ""}, maxlen=1, approximate=False)
        change.execute()
    eventually(lambda: edge.get(path).cache == "MISS", "it read all again")


def test_start_without_redis(table: dict[str, Any]) -> None:
    """Nothing is known of generations, so nothing is served that could have been invalidated."""
    with running("unix:///nowhere/redis.sock", table) as edge:
        for target in (public(), sign(private()), public() + "?download=a.jpg"):
            reply = edge.get(target)
            assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "unavailable", "1")
            assert reply.problem["detail"] == "the redis does not answer"
        assert edge.get("/v1/assets").status == 200
        assert edge.get("/edge/livez").status == 200
        assert edge.get(public("zoom.jpg")).code == "invalid_operation"
        assert edge.status()["ready"] is False
        assert edge.origin.asked(public()) == []


def test_a_start_before_the_first_publication_waits_for_it(
    table: dict[str, Any], redis_of_our_own: Installation
) -> None:
    with running(redis_of_our_own.settings()["redis"]["url"], table) as edge:
        assert edge.get(public()).status == 503
        publish(control_of(redis_of_our_own))
        eventually(lambda: edge.get(public()).status == 200, "it serves")
        assert edge.get(sign(private())).status == 200


def test_redis_goes_and_comes_back_empty(table: dict[str, Any], redis_of_our_own: Installation) -> None:
    control = control_of(redis_of_our_own)
    publish(control)
    with running(redis_of_our_own.settings()["redis"]["url"], table) as edge:
        eventually(lambda: edge.get(public()).status == 200, "it serves")
        control.raise_generation("o:acme")
        eventually(lambda: edge.get(public()).cache == "MISS", "the event came")
        warm = sign(private())
        assert edge.get(warm).status == 200

        redis_of_our_own.part("redis").kill()
        eventually(lambda: not edge.status()["following"], "it noticed")
        assert edge.get(public()).cache == "HIT"
        assert edge.get(warm).cache == "HIT"
        assert edge.get(sign(private(asset=another()))).status == 200  # a known key goes on vouching
        unknown = edge.get(sign(private(), kid="new"))
        assert (unknown.status, unknown.code) == (503, "unavailable")

        # Back, and empty: what is known stays in force, and what is not can't be told yet.
        eventually(lambda: is_back(control), "Redis is back")
        eventually(
            lambda: any(one["flags"] != "N" or one["cmd"] == "xread" for one in control.redis.client_list()),
            "it listens",
        )
        assert edge.get(public()).cache == "HIT"
        assert edge.get(warm).cache == "HIT"
        assert edge.get(sign(private(), kid="new")).code == "unavailable"

        # All is published again, with what happened meanwhile.
        control.publish_all(
            keys={"k1": Control.key("k1", status="revoked"), "new": Control.key("new")},
            generations={"*": 1, "o:acme": 1, f"a:{another()}": 3},
        )
        eventually(lambda: edge.status()["following"], "it follows again")
        assert edge.get(warm).code == "signature_invalid"
        assert edge.get(sign(private(), kid="new")).status == 200
        control.raise_generation("t:acme/website")
        eventually(lambda: edge.get(public()).cache == "MISS", "it follows the new stream")


def test_a_change_made_while_redis_was_out_of_reach(table: dict[str, Any], redis_of_our_own: Installation) -> None:
    """Redis hangs: it accepts and never answers."""
    control = control_of(redis_of_our_own)
    publish(control)
    with running(redis_of_our_own.settings()["redis"]["url"], table) as edge:
        target = sign(private())
        eventually(lambda: edge.get(target).cache == "HIT", "it is cached")
        process = redis_of_our_own.part("redis").pid
        assert process is not None
        os.kill(process, signal.SIGSTOP)
        try:
            eventually(lambda: not edge.status()["following"], "it noticed")
            assert edge.get(target).cache == "HIT"
            assert edge.get(sign(private(), kid="new")).code == "unavailable"
        finally:
            os.kill(process, signal.SIGCONT)
        control.put_key("k1", status="revoked")
        eventually(lambda: edge.get(target).status == 401, "the revocation is in force")


def test_redis_restarts_with_older_data(table: dict[str, Any], redis_of_our_own: Installation) -> None:
    """A copy on its disk was older than what edges know: a revoked key is active again in it."""
    control = control_of(redis_of_our_own)
    publish(control)
    with running(redis_of_our_own.settings()["redis"]["url"], table) as edge:
        target = sign(private())
        eventually(lambda: edge.get(target).status == 200, "it serves")
        control.put_key("k1", status="revoked")
        eventually(lambda: edge.get(target).status == 401, "the revocation is in force")
        control.redis.set("mz:server", "a run before this one")
        control.redis.hset("mz:keys", "k1", Control.key("k1"))
        before = readings(control)
        control.redis.client_kill_filter(_type="normal", skipme=True)
        eventually(lambda: readings(control) >= before + 2, "it has read what is there, and gone on from that")
        assert not edge.status()["following"]
        assert edge.get(target).status == 401
        control.publish_all(keys={"k1": Control.key("k1", status="revoked")}, generations={"*": 1})
        eventually(lambda: edge.status()["following"], "it follows again")
        assert edge.get(target).status == 401


def readings(control: Control) -> int:
    """How often everything was read."""
    return int(control.redis.info("commandstats").get("cmdstat_xrevrange", {}).get("calls", 0))


def test_worker_0_dies_and_another_follows(edge: Running, control: Control) -> None:
    assert edge.process is not None
    for worker in subprocess.check_output(["pgrep", "-P", str(edge.process.pid)], text=True).split():
        name = Path(f"/proc/{worker}/cmdline").read_text()
        if "worker process" in name and "shutting" not in name:
            os.kill(int(worker), signal.SIGKILL)
    control.put_key("later")
    eventually(lambda: settled(edge, sign(private(), kid="later")) == 200, "a new worker follows")
    assert edge.get(sign(private())).status == 200


def settled(edge: Running, target: str) -> int:
    try:
        return edge.get(target).status
    except OSError:
        return 0  # the worker that had accepted it is gone


def test_a_reload_keeps_serving(edge: Running, control: Control) -> None:
    """New workers begin knowing nothing and wait for the first reading instead of refusing."""
    target = sign(private(asset=another()))
    assert edge.get(target).status == 200
    eventually(lambda: serves_through_a_reload(edge, control, target), "new workers serve from the first request on")
    control.put_key("afresh")
    eventually(lambda: edge.get(sign(private(), kid="afresh")).status == 200, "the new worker follows")


def serves_through_a_reload(edge: Running, control: Control, target: str) -> bool:
    """False when it did not where all stood still for so long that the new workers had to give up waiting for Redis."""
    assert edge.process is not None
    control.redis.client_pause(600)  # milliseconds, in which they can read nothing; they wait for a second
    edge.process.send_signal(signal.SIGHUP)
    longest = 0.0
    end = (begun := time.monotonic()) + 2
    while begun < end:
        serves = edge.get(target).cache == "HIT" and edge.get(public()).status == 200
        longest = max(longest, time.monotonic() - begun)
        begun = time.monotonic()
        if not serves:
            assert longest > 0.5
            return False
    return True


def test_the_cache_outlives_a_restart(table: dict[str, Any], redis_url: str, control: Control) -> None:
    with running(redis_url, table) as edge:
        first, second = public(asset=another()), public(asset=another())
        for path in (first, second):
            eventually(partial(cached, edge, path), "it is cached")
        edge.stop()
        control.raise_generation(f"a:{second.split('/')[7]}")
        edge.start()
        eventually(lambda: edge.status()["ready"], "it has read the publications")
        assert edge.get(first).cache == "HIT"
        assert edge.get(second).cache == "MISS"
