"""Hits at the edge against nginx's plain proxy_cache with a fixed key: the same nginx, the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import load, machine, photographs, stack
from bench.processes import command, own_cpu_seconds, tree
from bench.report import Figure, Report
from mezzotint import registry, settings
from mezzotint.standalone import nginx
from mezzotint.standalone.demo import TENANT
from tests.servers.installation import free_port, private_folder, unprivileged

OPERATIONS = "w_640"
CONNECTIONS, REQUESTS = 16, 8_000
TURNS = 10
PATIENCE = 30.0
PLAIN, BARE, STATIC = "plain", "plain, bare answer", "static file"
TARGETS = {"public": 0.98, "fmt_auto": 0.95, "signed": 0.94, BARE: None, STATIC: None}

_BASELINE = """
    log_format plain escape=none
        '{"time":"$time_iso8601","request_id":"$request_name","client":"$remote_addr","host":"$host",'
        '"method":"$request_method","path":"$uri","status":$status,"bytes":$body_bytes_sent,'
        '"variant":"$upstream_http_x_mezzotint_variant","cache":"$upstream_cache_status",'
        '"seconds":$request_time,"origin_seconds":"$upstream_response_time"}';
    proxy_cache_path "@folder@/plain" levels=1:2 keys_zone=plain:8m;
    server {
        listen 127.0.0.1:@port@ reuseport;
        access_log "@folder@/plain.log" plain buffer=64k flush=1s;
        open_file_cache max=10000 inactive=60s;
        open_file_cache_valid 30s;
        proxy_cache plain;
        proxy_cache_valid 1h;
        proxy_ignore_headers X-Accel-Expires Vary;
        proxy_set_header Host localhost;
        proxy_set_header Connection "";
        location /v1/ {
            proxy_cache_key fixed;
            proxy_pass http://origin;
        }
        location /bare/ {
            proxy_cache_key bare;
            proxy_pass http://127.0.0.1:@port@/static/;
        }
        location /static/ {
            alias "@folder@/static/";
        }
    }
"""


@dataclass(frozen=True, slots=True)
class Door:
    """A way to the picture."""

    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Nginx:
    """One worker that has the edge on `port`, and on `plain_port` what it is compared with."""

    worker: int
    port: int
    plain_port: int


def bench(rounds: int) -> Report:
    """A new nginx each round, since two of a kind may differ by a percent; there every door beside `plain`, in turn."""
    report = Report("Hits at the edge", f"scripts/bench edge --rounds {rounds}")
    home = private_folder()
    rates: dict[str, list[float]] = {name: [] for name in TARGETS}
    cpu: dict[str, list[float]] = {name: [] for name in (PLAIN, *TARGETS)}
    busy: list[float] = []
    try:
        with stack.running() as running:
            picture = photographs.prepare(home / "pictures", 2000, 1500)[0]
            public = running.upload(TENANT, picture)
            private = running.upload(TENANT, picture, access="private")
            for number in range(rounds):
                with _nginx(running.folder, home / str(number)) as server:
                    doors = {
                        PLAIN: Door(server.plain_port, f"{public}/{OPERATIONS}.avif"),
                        "public": Door(server.port, f"{public}/{OPERATIONS}.avif"),
                        "fmt_auto": Door(server.port, f"{public}/{OPERATIONS}-fmt_auto.jpg"),
                        "signed": Door(server.port, running.sign(f"{private}/{OPERATIONS}.avif")),
                        STATIC: Door(server.plain_port, "/static/picture.avif"),
                        BARE: Door(server.plain_port, "/bare/picture.avif"),
                    }
                    size = _warm(doors, home / str(number))
                    for name in TARGETS:
                        pairs = [_pair(doors[PLAIN], doors[name], server.worker, turn) for turn in range(TURNS)]
                        rates[name].append(median(ours.rate / plain.rate for plain, ours in pairs))
                        cpu[name].append(median(ours.cpu for _, ours in pairs))
                        cpu[PLAIN].extend(plain.cpu for plain, _ in pairs)
                        busy.extend(burst.rate * burst.cpu for pair in pairs for burst in pair)
    finally:
        shutil.rmtree(home)
    report.figures.extend(
        Figure(f"rate: {name} / {PLAIN}", rates[name], at_least=least) for name, least in TARGETS.items()
    )
    report.figures.extend(
        Figure(f"µs of nginx's CPU a request: {name}", [seconds * 1e6 for seconds in cpu[name]]) for name in cpu
    )
    report.notes.append(
        f"One worker of nginx {machine.nginx_version()} on a core of its own, at work {100 * median(busy):.0f} % of "
        f"the time; h2load with {CONNECTIONS} connections on another. An AVIF of {size} bytes. A round: the median of "
        f"{TURNS} pairs of {REQUESTS} requests each."
    )
    report.notes.append(
        f"`{PLAIN}`: proxy_cache with a fixed key in front of the same origin. `{BARE}`: the same in front of a file, "
        "of which a static server says next to nothing. All write the same access log."
    )
    return report


@dataclass(frozen=True, slots=True)
class Burst:
    """Requests a second, and seconds of nginx's CPU a request."""

    rate: float
    cpu: float


def _pair(plain: Door, ours: Door, worker: int, turn: int) -> tuple[Burst, Burst]:
    """One after the other; which is first changes with the turn."""
    bursts = {door: _burst(door, worker) for door in ((ours, plain) if turn % 2 else (plain, ours))}
    return bursts[plain], bursts[ours]


def _burst(door: Door, worker: int) -> Burst:
    before = own_cpu_seconds(worker)
    rate = load.burst(door.port, door.path, REQUESTS, connections=CONNECTIONS, core=0, accept=stack.EVERY_FORMAT)
    return Burst(rate, (own_cpu_seconds(worker) - before) / REQUESTS)


def _warm(doors: dict[str, Door], home: Path) -> int:
    """Let every door have the picture; its size. Raises AssertionError unless it is the same everywhere."""
    headers = {"Accept": stack.EVERY_FORMAT}
    body = load.ask(doors[PLAIN].port, [doors[PLAIN].path], clients=1, headers=headers)[0]
    (home / "static").mkdir()
    (home / "static/picture.avif").write_bytes(body)
    for name, door in doors.items():
        for _ in range(2):
            assert load.ask(door.port, [door.path], clients=1, headers=headers)[0] == body, name
    return len(body)


@contextmanager
def _nginx(installation: Path, home: Path) -> Iterator[Nginx]:
    """In `home`: the edge of this installation once more, with one worker, and the baseline in the same process."""
    loaded = settings.load(installation / "mezzotint.toml")
    port, plain_port = free_port(), free_port()
    folder = home / "nginx"
    folder.mkdir(parents=True)
    configured = nginx.Edge(
        listen=f"127.0.0.1:{port}",
        hosts=loaded.public.hosts,
        redis=loaded.redis.url,
        seal_key=loaded.security.seal_key_file,
        grammar=folder / "grammar.json",
        cache_folder=folder / "cache",
        access_log=folder / "access.log",
        origins=(loaded.origin.bind,),
        miss_socket=folder / "miss.sock",
        status_socket=folder / "status.sock",
        workers="1",
    )
    nginx.install(folder, nginx.here(configured), registry.load(loaded.plugins.enabled).grammar().export())
    baseline = _BASELINE.replace("@folder@", str(home)).replace("@port@", str(plain_port))
    main = folder / "nginx.conf"
    main.write_text(main.read_text().rstrip().removesuffix("}") + baseline + "}\n")
    user = unprivileged()
    if user:
        for path in (home, *home.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
    process = subprocess.Popen(
        nginx.command(folder), user=user and user.pw_uid, group=user and user.pw_gid, extra_groups=[] if user else None
    )
    try:
        yield Nginx(_settle(process), port, plain_port)
    finally:
        process.terminate()
        process.wait()


def _settle(master: subprocess.Popen[bytes]) -> int:
    """The worker, on the machine's last core, before others on it as far as we may say so."""
    end = time.monotonic() + PATIENCE
    while not (workers := [pid for pid in tree(master.pid) if "worker process" in command(pid)]):
        assert master.poll() is None, "nginx ended"
        assert time.monotonic() < end, "nginx did not start"
        time.sleep(0.05)
    os.sched_setaffinity(workers[0], {(os.cpu_count() or 1) - 1})
    with suppress(PermissionError):
        os.sched_setscheduler(workers[0], os.SCHED_RR, os.sched_param(1))
    time.sleep(1)  # until it has read what is published
    return workers[0]
