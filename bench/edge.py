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

from bench import load, machine, photographs, stack
from bench.processes import command, own_cpu_seconds, tree
from bench.report import Figure, Report, ratio
from mezzotint import registry, settings
from mezzotint.standalone import nginx
from mezzotint.standalone.demo import TENANT
from tests.servers.installation import free_port, private_folder, unprivileged

OPERATIONS = "w_640"
CONNECTIONS = 16
PATIENCE = 30.0
PLAIN, STATIC = "plain", "static file"
TARGETS = {"public": 0.98, "fmt_auto": 0.95, "signed": 0.94, STATIC: None}

_BASELINE = """
    proxy_cache_path "@folder@/plain" levels=1:2 keys_zone=plain:8m;
    server {
        listen 127.0.0.1:@port@ reuseport;
        access_log "@folder@/plain.log" edge buffer=64k flush=1s;
        open_file_cache max=10000 inactive=60s;
        open_file_cache_valid 30s;
        location /v1/ {
            proxy_cache plain;
            proxy_cache_key fixed;
            proxy_cache_valid 1h;
            proxy_ignore_headers X-Accel-Expires Vary;
            proxy_set_header Host localhost;
            proxy_set_header Connection "";
            proxy_pass http://origin;
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
    """Every door for a second at a time, in turn forwards and backwards."""
    report = Report("Hits at the edge", f"scripts/bench edge --rounds {rounds}")
    home = private_folder()
    try:
        with stack.running() as running:
            picture = photographs.prepare(home / "pictures", 2000, 1500)[0]
            public = running.upload(TENANT, picture)
            private = running.upload(TENANT, picture, access="private")
            with _nginx(running.folder, home) as server:
                doors = {
                    PLAIN: Door(server.plain_port, f"{public}/{OPERATIONS}.avif"),
                    "public": Door(server.port, f"{public}/{OPERATIONS}.avif"),
                    "fmt_auto": Door(server.port, f"{public}/{OPERATIONS}-fmt_auto.jpg"),
                    "signed": Door(server.port, running.sign(f"{private}/{OPERATIONS}.avif")),
                    STATIC: Door(server.plain_port, "/static/picture.avif"),
                }
                size = _warm(doors, home)
                rates, cpu = _alternate(doors, server.worker, rounds)
    finally:
        shutil.rmtree(home)
    report.figures.extend(
        ratio(f"rate: {name} / {PLAIN}", rates[name], rates[PLAIN], at_least=least) for name, least in TARGETS.items()
    )
    report.figures.extend(Figure(f"µs of nginx's CPU a request: {name}", cpu[name]) for name in doors)
    report.notes.append(
        f"One worker of nginx {machine.nginx_version()} on a core of its own, wrk with {CONNECTIONS} connections on "
        f"another; an AVIF of {size} bytes. `{PLAIN}` is proxy_cache with a fixed key; all write the same access log."
    )
    return report


def _warm(doors: dict[str, Door], home: Path) -> int:
    """Let every door have the picture; its size. Raises AssertionError unless it is the same everywhere."""
    headers = {"Accept": stack.EVERY_FORMAT}
    (home / "static").mkdir()
    body = load.ask(doors[PLAIN].port, [doors[PLAIN].path], clients=1, headers=headers)[0]
    (home / "static/picture.avif").write_bytes(body)
    for name, door in doors.items():
        for _ in range(2):
            assert load.ask(door.port, [door.path], clients=1, headers=headers)[0] == body, name
    return len(body)


def _alternate(
    doors: dict[str, Door], worker: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Requests per second, and microseconds of nginx's CPU a request, by door and round."""
    rates: dict[str, list[float]] = {name: [] for name in doors}
    cpu: dict[str, list[float]] = {name: [] for name in doors}
    for number in range(rounds):
        for name in reversed(doors) if number % 2 else doors:
            wrk = load.Wrk(
                doors[name].port, [doors[name].path], CONNECTIONS, seconds=1, core=0, accept=stack.EVERY_FORMAT
            )
            before = own_cpu_seconds(worker)
            answered = wrk.run()
            assert not answered.refusals, name
            rates[name].append(answered.rate)
            cpu[name].append((own_cpu_seconds(worker) - before) / answered.pictures * 1e6)
    return rates, cpu


@contextmanager
def _nginx(installation: Path, home: Path) -> Iterator[Nginx]:
    """The edge of this installation once more, with one worker, and the baseline beside it in the same process."""
    loaded = settings.load(installation / "mezzotint.toml")
    port, plain_port = free_port(), free_port()
    folder = home / "nginx"
    folder.mkdir()
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
