"""A Docker engine of our own: private folders, a private socket, and for containers a network of its own: neither
bridges nor firewall rules touch the machine's. Images and layers are kept in the cache between runs.
"""

import ctypes
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mezzotint.standalone.locks import lock

CACHE = Path(os.environ.get("MEZZOTINT_CACHE") or Path.home() / ".cache" / "mezzotint") / "docker"
NEEDED = ("dockerd", "docker", "docker-compose", "mmdebstrap", "unshare", "ip")
PATIENCE = 120.0
LONGEST_BUILD = 1200.0
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class NoEngine(Exception):
    """None can be started here; says why."""


@dataclass(frozen=True)
class Engine:
    """A running one."""

    socket: Path
    pid: int

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """What the command, a client of this engine, prints. Raises AssertionError with all that it said."""
        done = subprocess.run(
            command,
            cwd=cwd,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
        return done.stdout

    def start(self, *command: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, cwd=cwd, env=self._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0", "COMPOSE_ANSI": "never"}

    @contextmanager
    def network(self) -> Iterator[None]:
        """This thread is in the engine's network: what it connects to is there."""
        with Path("/proc/thread-self/ns/net").open("rb") as ours, Path(f"/proc/{self.pid}/ns/net").open("rb") as its:
            assert libc.setns(its.fileno(), CLONE_NEWNET) == 0
            try:
                yield
            finally:
                assert libc.setns(ours.fileno(), CLONE_NEWNET) == 0


@contextmanager
def running(*, apart: bool) -> Iterator[Engine]:
    """An engine: for running in a network of its own; for building, which needs the world, in ours, without bridges.

    Raises NoEngine.
    """
    if os.geteuid() != 0:
        raise NoEngine("only root can start a Docker engine")
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        raise NoEngine(f"no Docker engine without {', '.join(missing)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    alone = lock(CACHE / "lock", patience=900.0)
    home = Path(tempfile.mkdtemp(prefix="mz-docker-", dir="/tmp"))
    open_files = {"Name": "nofile", "Soft": 16384, "Hard": 16384}
    (home / "daemon.json").write_text(
        json.dumps(
            {
                "data-root": str(CACHE / "data"),
                "exec-root": str(home / "exec"),
                "pidfile": str(home / "pid"),
                "hosts": [f"unix://{home / 'socket'}"],
                "default-ulimits": {"nofile": open_files},
                **({} if apart else {"bridge": "none", "iptables": False, "ip-masq": False}),
            }
        )
    )
    # What it mounts goes with it.
    command = ["unshare", "--mount", "dockerd", "--config-file", str(home / "daemon.json")]
    if apart:
        command = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], stdout=log, stderr=log)
    try:
        engine = Engine(home / "socket", process.pid)
        end = time.monotonic() + PATIENCE
        while not answers(engine):
            if process.poll() is not None or time.monotonic() > end:
                raise NoEngine(f"dockerd does not run here: {last_word(home / 'log')}")
            time.sleep(0.2)
        if left := engine.run("docker", "ps", "--all", "--quiet").split():
            engine.run("docker", "rm", "--force", "--volumes", *left)  # of an earlier run that was killed
        engine.run("docker", "volume", "prune", "--force")
        engine.run("docker", "network", "prune", "--force")
        yield engine
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)
        os.close(alone)


def answers(engine: Engine) -> bool:
    with suppress(AssertionError):
        return bool(engine.run("docker", "version", "--format", "{{.Server.Version}}"))
    return False


def last_word(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return next((line for line in reversed(lines) if "fail" in line or "error" in line), "it does not say why")


def make_base(engine: Engine) -> None:
    """`debian:bookworm-slim` from Debian's packages, with this machine's certificates, unless it is there."""
    if engine.run("docker", "images", "--quiet", "debian:bookworm-slim"):
        return
    own = [f"--customize-hook=copy-in {path} {Path(path).parent}" for path in OWN if Path(path).exists()]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", *own, "bookworm"]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        archive = Path(folder) / "root.tar"
        made = subprocess.run(
            [*command, archive], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if made.returncode != 0:
            raise NoEngine(f"no base image can be made here: {made.stderr[-300:]}")
        engine.run("docker", "import", str(archive), "debian:bookworm-slim")


OWN = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
"""How this machine reaches its package indexes."""


def build(engine: Engine, images: Sequence[tuple[str, ...]]) -> None:
    """Build all at once; each is the arguments of `docker build`."""
    builds = [engine.start("docker", "build", "--network", "host", *image) for image in images]
    outputs = [each.communicate(timeout=LONGEST_BUILD)[0] for each in builds]
    for each, output in zip(builds, outputs, strict=True):
        assert each.returncode == 0, output[-8000:]
