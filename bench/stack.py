"""A whole installation to measure: started on a private port in a temporary folder, gone afterwards."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from bench.processes import cpu_seconds, tree
from mezzotint.standalone.demo import ORGANIZATION, SPACE
from tests.servers.installation import Installation, free_port

_PATIENCE = 120
_IDLE = 0.1
"""CPU seconds in a second"""
EVERY_FORMAT = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@dataclass(frozen=True, slots=True)
class Stack:
    """A running installation. `pid` is that of the process above all others."""

    base_url: str
    folder: Path
    pid: int
    control: requests.Session

    @property
    def port(self) -> int:
        return urlsplit(self.base_url).port or 80

    def tenant(self, slug: str) -> str:
        """A new tenant of the demo's organization, with a space and a signing key; its slug."""
        tenants = f"/v1/organizations/{ORGANIZATION}/tenants"
        self.post(tenants, json={"slug": slug, "name": slug})
        self.post(f"{tenants}/{slug}/spaces", json={"slug": SPACE, "name": SPACE})
        self.post("/v1/signing-keys", json={"organization": ORGANIZATION, "tenant": slug})
        return slug

    def upload(self, tenant: str, file: Path, access: str = "public") -> str:
        """The path of the new asset's variants, less their operations."""
        place = {"organization": ORGANIZATION, "tenant": tenant, "space": SPACE, "access": access}
        with file.open("rb") as stream:
            asset = self.post("/v1/assets", data=place, files={"file": (file.name, stream)})
        door = "pub" if access == "public" else "priv"
        return f"/v1/{door}/{ORGANIZATION}/{tenant}/{SPACE}/img/{asset['id']}/v1"

    def sign(self, path: str) -> str:
        """The signed path with its query."""
        url = urlsplit(self.post("/v1/sign", json={"url": path, "lifetime": 3600})["url"])
        return f"{url.path}?{url.query}"

    def post(self, path: str, **content: Any) -> Any:
        answer = self.control.post(self.base_url + path, **content)
        answer.raise_for_status()
        return answer.json()

    def part(self, name: str) -> int:
        """The process of this part that is above its others."""
        status = json.loads((self.folder / "status.json").read_text())
        return int(status["parts"][name]["pid"])

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """While every process of this part stands still. What it is asked for meanwhile, it does afterwards."""
        pids = list(tree(self.part(part)))
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def settle(self) -> None:
        """Wait until what uploads have left to do in the background is done."""
        for _ in range(_PATIENCE):
            before = cpu_seconds(self.pid)
            time.sleep(1)
            if cpu_seconds(self.pid) - before < _IDLE:
                return

    def renders(self) -> int:
        """How many variants the renderers have made so far, as they log it."""
        lines = (json.loads(line) for line in (self.folder / "log/renderers.log").read_text().splitlines())
        return sum(line.get("event") == "job_done" and line.get("kind") == "render" for line in lines)


@contextmanager
def running() -> Iterator[Stack]:
    """All parts, as scripts/run starts them."""
    with Installation(port=free_port()) as installation, requests.Session() as control:
        control.headers["X-API-Key"] = (installation.folder / "secrets/api_key").read_text().strip()
        base_url = installation.settings()["public"]["base_url"]
        assert installation.process is not None
        yield Stack(base_url, installation.folder, installation.process.pid, control)
