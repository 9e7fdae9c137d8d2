"""A master whose renderers were taken over: a job whose operations name a way to misbehave brings it about."""

import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from mezzotint.imaging import wire
from mezzotint.imaging.renderer.master import Master, PoolSettings

RECYCLE = 3


def say(channel: socket.socket, state: str, **more: Any) -> None:
    channel.send(json.dumps({"state": state, **more}).encode())


def overflow(channel: socket.socket) -> None:
    channel.send(b'{"state": "begun", "computed": 1' + b"0" * 400 + b"}")


def deep(channel: socket.socket) -> None:
    channel.send(b"[" * 60_000)


def close(channel: socket.socket) -> None:
    say(channel, "begun", computed=0)
    channel.close()
    time.sleep(3600)


def deaf(channel: socket.socket) -> None:
    say(channel, "begun", computed=0)
    say(channel, "answering")
    say(channel, "done", outcome="ok", cpu_ms=0, problem=None)
    time.sleep(3600)


def answer_for_ever(channel: socket.socket) -> None:
    say(channel, "begun", computed=0)
    while True:
        say(channel, "answering")
        time.sleep(0.1)


def say_nothing_of_it(channel: socket.socket) -> None:
    say(channel, "begun", computed=0)
    say(channel, "done", outcome="ok", cpu_ms=0, problem=None)
    time.sleep(3600)


def cut(channel: socket.socket) -> None:
    say(channel, "begun", computed=0)
    say(channel, "answering")
    sys.exit()


WAYS: dict[str, Callable[[socket.socket], None]] = {
    way.__name__: way for way in (overflow, deep, close, deaf, answer_for_ever, say_nothing_of_it, cut)
}


def renderer(channel: socket.socket) -> NoReturn:
    say(channel, "ready")
    while True:  # it never leaves by itself
        header, (connection, *_), _, _ = socket.recv_fds(channel, wire.MAX_HEADER, 1 + wire.MAX_FILES)
        if way := WAYS.get(json.loads(header)["operations"]):
            way(channel)
        say(channel, "begun", computed=time.process_time())
        say(channel, "answering")
        with socket.socket(fileno=connection) as caller:
            caller.sendall(wire.pack({}))
        say(channel, "done", outcome="ok", cpu_ms=0, problem=None)


if __name__ == "__main__":
    settings = PoolSettings(
        socket=Path(sys.argv[1]), workers=1, background=0, queue=64, queue_per_tenant=64, memory_bytes=1 << 30,
        recycle=RECYCLE, cpu_seconds=30.0,
    )  # fmt: skip
    Master(settings, renderer, "8.18.0").run()
