"""Requests to servers of our own on this machine: as fast as they answer, or at a given pace. Never anywhere else."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

HOST = "localhost"
_SECONDS = 60
_P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_RATE = re.compile(r"([\d.]+) req/s")


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a load: pictures and refusals in so many seconds; the 99th percentile of latency in milliseconds."""

    pictures: int
    refusals: int
    seconds: float
    p99: float

    @property
    def rate(self) -> float:
        """Pictures per second."""
        return self.pictures / self.seconds


def ask(port: int, paths: Sequence[str], *, clients: int, headers: Mapping[str, str] | None = None) -> list[bytes]:
    """The body of each path, in their order, asked for by so many clients. Raises AssertionError at any but a 200."""
    connections = threading.local()

    def get(path: str) -> bytes:
        connection = getattr(connections, "mine", None)
        if connection is None:
            connection = connections.mine = HTTPConnection(HOST, port, timeout=_SECONDS)
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:500])
        return body

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(get, paths))


def burst(port: int, path: str, requests: int, *, connections: int, core: int, accept: str = "*/*") -> float:
    """The rate at which h2load, on a core of its own, has so many requests for one path answered.

    It takes in less time than wrk what a server sends, so that the server is what limits the rate. Before others on its
    core as far as we may say so. Raises AssertionError unless every answer is a 200.
    """
    command = ["taskset", "-c", str(core), *(("chrt", "-r", "1") if os.geteuid() == 0 else ())]
    command += ["h2load", "--h1", "-t1", f"-c{connections}", f"-n{requests}", "-H", f"Accept: {accept}"]
    command.append(f"http://{HOST}:{port}{path}")
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    rate = _RATE.search(told)
    assert rate is not None, told
    assert f"status codes: {requests} 2xx" in told, told
    return float(rate[1])


class UnixConnection(HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


@dataclass(frozen=True, slots=True)
class Wrk:
    """A run of wrk: each of `connections` asks for `paths` in turn, pausing for some `pause` seconds in between."""

    port: int
    paths: Sequence[str]
    connections: int
    seconds: int
    pause: float = 0.0
    core: int | None = None
    """where it runs, to stay out of the way of what it measures"""
    accept: str = "*/*"

    def start(self) -> Running:
        folder = tempfile.TemporaryDirectory(prefix="mz-wrk-")
        script = Path(folder.name) / "load.lua"
        paths = ",".join(map(json.dumps, self.paths))
        pace = _PACE % (self.connections, round(self.pause * 1000)) if self.pause else ""
        script.write_text(_SCRIPT.replace("@paths@", paths) + pace)
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{self.seconds}s", "--timeout", "60s", "--latency"]
        command += ["-s", str(script), "-H", f"Accept: {self.accept}", f"http://localhost:{self.port}"]
        if self.core is not None:
            command = ["taskset", "-c", str(self.core), *command]
        return Running(subprocess.Popen(command, stdout=subprocess.PIPE, text=True), folder)

    def run(self) -> Answered:
        return self.start().result()


@dataclass(frozen=True, slots=True)
class Running:
    """A wrk at work."""

    process: subprocess.Popen[str]
    folder: tempfile.TemporaryDirectory[str]

    def result(self) -> Answered:
        """What came of it, once it ends."""
        with self.folder:
            told, _ = self.process.communicate()
        assert self.process.returncode == 0, told
        seconds, answers, refusals = (
            float(number) for number in re.findall(r"^answered (.*)$", told, re.MULTILINE)[0].split()
        )
        p99 = _P99.search(told)
        assert p99 is not None, told
        return Answered(round(answers - refusals), round(refusals), seconds, float(p99[1]) * _MILLISECONDS[p99[2]])


_SCRIPT = """
local requests, at = {}, 0
function init()
  for i, path in ipairs({ @paths@ }) do requests[i] = wrk.format("GET", path) end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary)
  local seconds = summary.duration / 1e6
  print("answered " .. seconds .. " " .. summary.requests .. " " .. summary.errors.status)
end
"""
# Clients that began at the same moment and waited equally long would come in waves.
_PACE = """
local clients, pause, turns = %d, %d, 0
function delay()
  turns = turns + 1
  return turns > clients and math.random(pause / 2, pause * 3 / 2) or math.random(0, pause)
end
"""
