"""The installation under test, with ways to take its parts away, to hang them, and to ask past its edge."""

import hashlib
import json
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psycopg
import requests

from mezzotint.data.redis import connect
from mezzotint.data.snapshot import Snapshot
from mezzotint.model.errors import Unavailable
from tests.journeys.conftest import Home, picture
from tests.journeys.waiting import until
from tests.servers.installation import Installation, Stack

PATIENCE = 60.0  # seconds: a busy machine is slow, not broken
OFTEN = 100


class UnixConnection(HTTPConnection):
    """HTTP to whoever listens on a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Shop:
    installation: Installation
    home: Home

    def found(self) -> None:
        """Make the space that the pictures go to, and a key that signs for it."""
        home = self.home
        tenants = f"/v1/organizations/{home.organization}/tenants"
        for path, body in (
            ("/v1/organizations", {"slug": home.organization, "name": "Shop"}),
            (tenants, {"slug": home.tenant, "name": "Web"}),
            (f"{tenants}/{home.tenant}/spaces", {"slug": home.space, "name": "Main"}),
            ("/v1/signing-keys", home.owner),
        ):
            answer = home.post(path, body)
            assert answer.status_code == 201, (path, answer.text)

    @property
    def base_url(self) -> str:
        return self.home.stack.base_url

    @property
    def settings(self) -> dict[str, Any]:
        return self.installation.settings()

    def get(self, url: str, **options: Any) -> requests.Response:
        """Through the edge."""
        return requests.get(url if "://" in url else self.base_url + url, timeout=PATIENCE, **options)

    def origin(self, url: str) -> Reply:
        """Past the edge, as if it had nothing cached."""
        connection = UnixConnection(self.installation.folder / "run/origin.sock")
        try:
            connection.request("GET", url.removeprefix(self.base_url))
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def edge_epoch(self) -> str | None:
        """Of the publication that the edge follows; None while it has none to follow."""
        connection = UnixConnection(self.installation.folder / "run/edge.sock")
        try:
            connection.request("GET", "/status")
            epoch: str | None = json.loads(connection.getresponse().read()).get("epoch")
        finally:
            connection.close()
        return epoch

    def upload(self, seed: int, **fields: str) -> requests.Response:
        return self.home.upload(picture(96, 64, seed=seed), **fields)

    def asset(self, seed: int, **fields: str) -> dict[str, Any]:
        return self.home.asset(seed, **fields)

    def parts(self) -> dict[str, dict[str, Any]]:
        """What /readyz says of each part."""
        return {part["part"]: part for part in self.get("/readyz").json()["parts"]}

    def healed(self) -> None:
        """Wait until every part runs, each of the origin's processes is on good terms with all of them, and the edge
        has read what is published now.
        """

        def well() -> bool:
            status = self.installation.status()
            if not status or not all(part["ready"] for part in status["parts"].values()):
                return False
            with suppress(OSError, HTTPException, ValueError, KeyError, Unavailable):
                return self._origin_is_well(status) and self.edge_epoch() == self._epoch()
            return False

        until(well, seconds=PATIENCE)

    def _origin_is_well(self, status: dict[str, Any]) -> bool:
        """Each process has connections and breakers of its own, and who answers is chance: ask until all have."""
        unheard = set(family(status["parts"]["origin"]["pid"])[1:])
        for _ in range(OFTEN):
            said = self.origin("/readyz").document
            if not all(part["ok"] and part["breaker"] == "closed" for part in said["parts"]):
                return False
            unheard.discard(said["process"])
            if not unheard:
                return True
        return False

    def _epoch(self) -> str:
        """Of what is published. Raises Unavailable when it is not, or not again yet."""
        with closing(connect(self.settings["redis"]["url"])) as client:
            epoch = Snapshot(client).epoch()
        if epoch is None:
            raise Unavailable("snapshot")
        return epoch

    def pid(self, part: str) -> int:
        pid = self.installation.part(part).pid
        assert pid is not None, f"{part} does not run"
        return pid

    def killed(self, part: str, pids: Sequence[int], number: signal.Signals = signal.SIGKILL) -> None:
        """Send the signal to these processes; where one is the part itself, wait until it is up again."""
        before = self.installation.part(part)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if before.pid in pids:

            def again() -> bool:
                now = self.installation.part(part)
                return now.ready and now.pid != before.pid

            until(again, seconds=PATIENCE)

    @contextmanager
    def hung(self, part: str) -> Iterator[None]:
        """The part accepts connections, which the kernel does for it, and never answers."""
        with stopped(family(self.pid(part))):
            yield

    @contextmanager
    def away(self, part: str) -> Iterator[None]:
        """The part is dead and nobody starts it again."""
        assert self.installation.process is not None
        with stopped([self.installation.process.pid]):
            for pid in family(self.pid(part)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            yield

    @contextmanager
    def store_away(self) -> Iterator[None]:
        """The disk is not there: neither originals nor variants."""
        folder = self.installation.folder / "store"
        aside = folder.with_name("store.aside")
        folder.rename(aside)
        try:
            yield
        finally:
            aside.rename(folder)

    @contextmanager
    def silent(self, store: str, key: str) -> Iterator[None]:
        """Whoever opens this object waits, as on a share whose server is gone."""
        path = self.installation.folder / "store" / store / key
        owner, aside = path.stat(), path.rename(path.with_name("aside"))
        os.mkfifo(path)
        os.chown(path, owner.st_uid, owner.st_gid)
        try:
            yield
        finally:
            os.close(os.open(path, os.O_RDWR))  # who waits finds it empty
            aside.rename(path)

    def database(self) -> psycopg.Connection:
        """As the cluster's administrator, whom nothing is hidden from."""
        password = (self.installation.folder / "secrets/postgres_mezzotint_admin").read_text().strip()
        dsn = self.settings["database"]["owner_dsn"]
        owner = (self.installation.folder / "secrets/postgres_mezzotint_owner").read_text().strip()
        return psycopg.connect(dsn.replace(f"mezzotint_owner:{owner}", f"mezzotint_admin:{password}"), autocommit=True)


@contextmanager
def opened(installation: Installation) -> Iterator[Shop]:
    """The shop in this installation, which is started and stopped."""
    with installation, requests.Session() as control:
        control.headers["X-API-Key"] = (installation.folder / "secrets/api_key").read_text().strip()
        base_url = installation.settings()["public"]["base_url"]
        stack = Stack(base_url, control, installation.folder, installation.part, installation.output)
        shop = Shop(installation, Home(stack, "shop", "web", "main"))
        shop.found()
        yield shop


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found = [pid]
    for each in found:
        with suppress(FileNotFoundError):
            found += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
    return found


@contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """These processes stand still, and go on afterwards."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
