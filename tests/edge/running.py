"""A running edge between a stub origin and a real Redis, and a client that sends what no library would."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import redis
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mezzotint.standalone import nginx
from tests.journeys.waiting import whole_lines
from tests.servers.installation import private_folder, unprivileged

HOST = "img.example.com"
SEAL_KEY = bytes(range(32))
SECRET = hashlib.sha256(b"a signing secret").digest()
ASSET = "01JBXYZ7N8Q4W2V6M3K5T9R0AE"
PATIENCE = 30.0  # seconds; a busy machine is slow, not broken


def eventually(holds: Callable[[], Any], what: str) -> Any:
    """The first truthy result. Raises AssertionError when it takes longer than anyone would wait."""
    end = time.monotonic() + PATIENCE
    while not (result := holds()):
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)
    return result


def public(operations: str = "w_100.jpg", asset: str = ASSET) -> str:
    return f"/v1/pub/acme/website/marketing/img/{asset}/v1/{operations}"


def private(operations: str = "w_100.jpg", asset: str = ASSET) -> str:
    return f"/v1/priv/acme/website/marketing/img/{asset}/v1/{operations}"


def another() -> str:
    """A picture nobody asked for yet."""
    return "01" + uuid4().hex[:24].upper().translate(str.maketrans("ILOU", "JKMN"))


def sign(path: str, *, seconds: int = 600, kid: str = "k1", host: str = HOST, secret: bytes = SECRET) -> str:
    """The whole target of a signed URL that is good for so many seconds from now."""
    exp = int(time.time()) + seconds
    organization, tenant = path.split("/")[3:5]
    text = f"GET\n{path}\n{exp}\n{host}\n{organization}/{tenant}"
    sig = base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), "sha256")).rstrip(b"=").decode()
    return f"{path}?sig={sig}&exp={exp}&kid={kid}"


def short_digest(text: str) -> str:
    """As the edge's keys spell a text."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:18]).decode()


@dataclass
class Answer:
    """What the stub origin says to one request."""

    status: int = 200
    body: bytes = b"a picture of some bytes"
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0


def picture(path: str, headers: Mapping[str, str]) -> Answer:
    """An origin's ordinary answer: the body says what was asked, so that a mix-up shows."""
    body = f"picture {path} {headers.get('X-Mezzotint-Accept', '')}".encode()
    private_url = path.startswith("/v1/priv/")
    return Answer(
        body=body,
        headers={
            "Content-Type": "image/jpeg",
            "ETag": f'"{hashlib.sha256(body).hexdigest()}"',
            "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT",
            "Cache-Control": "private, max-age=1" if private_url else "public, max-age=31536000, immutable",
            "Content-Disposition": 'inline; filename="cat.jpg"',
            "X-Content-Type-Options": "nosniff",
            "X-Accel-Expires": "2592000",
            "X-Mezzotint-Variant": ASSET,
            "X-Request-Id": "the-origin's-own",
            "Server-Timing": "origin;dur=7.5",
            "Set-Cookie": "a=b",
            "Vary": "Cookie",
        },
    )


class Origin:
    """The other side of the contract: remembers what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.connections: set[socket.socket] = set()
        self.answer: Callable[[str, Mapping[str, str]], Answer] = picture
        self.server: socketserver.ThreadingUnixStreamServer | None = None

    def start(self) -> None:
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                headers = {name.title(): value for name, value in self.headers.items()}
                origin.requests.append((self.command, self.path, headers))
                self.rfile.read(int(headers.get("Content-Length", 0)))
                answer = origin.answer(self.path, headers)
                time.sleep(answer.wait)
                same = "ETag" in answer.headers and headers.get("If-None-Match") == answer.headers["ETag"]
                self.send_response_only(304 if same else answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if not same and "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if not same and self.command != "HEAD":
                    self.wfile.write(answer.body)

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return self.handle_any
                raise AttributeError(name)

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                origin.connections.add(self.connection)
                with suppress(OSError):
                    super().handle()
                origin.connections.discard(self.connection)

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 128

            def get_request(self) -> tuple[Any, Any]:
                return super().get_request()[0], ("unix", 0)

        self.path.unlink(missing_ok=True)
        self.server = Server(str(self.path), Handler)
        self.path.chmod(0o777)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            for connection in list(self.connections):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self.path.unlink(missing_ok=True)
            self.server = None

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of each request for `path`."""
        return [headers for _, asked, headers in self.requests if asked == path]


class Control:
    """Publishes as the control plane does."""

    def __init__(self, client: redis.Redis) -> None:
        self.redis = client
        self.epoch = ""

    @staticmethod
    def key(
        kid: str, *, organization: str = "acme", tenant: str = "website", status: str = "active",
        grace_until: int | None = None, max_lifetime: int = 86_400, secret: bytes = SECRET, seal_key: bytes = SEAL_KEY,
    ) -> str:  # fmt: skip
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(seal_key).encrypt(nonce, secret, kid.encode())
        return json.dumps(
            {
                "kid": kid,
                "organization": organization,
                "tenant": tenant,
                "status": status,
                "grace_until": grace_until,
                "max_lifetime": max_lifetime,
                "secret": base64.b64encode(sealed).decode(),
            }
        )

    def publish_all(self, *, keys: Mapping[str, str], generations: Mapping[str, int]) -> str:
        self.epoch = epoch = uuid4().hex
        with self.redis.pipeline(transaction=True) as whole:
            whole.delete("mz:keys", "mz:generations")
            for kid, record in keys.items():
                whole.hset("mz:keys", kid, record)
            for scope, generation in generations.items():
                whole.hset("mz:generations", scope, str(generation))
            whole.set("mz:server", self.run())
            whole.set("mz:epoch", epoch)
            whole.xadd("mz:events", {"type": "epoch", "name": epoch, "value": ""})
            whole.execute()
        return epoch

    def run(self) -> str:
        """Names the run of the Redis server."""
        return str(self.redis.info("server")["run_id"])

    def put_key(self, kid: str, **about: Any) -> None:
        record = self.key(kid, **about)
        with self.redis.pipeline(transaction=True) as change:
            change.hset("mz:keys", kid, record)
            change.xadd("mz:events", {"type": "key", "name": kid, "value": record})
            change.execute()

    def raise_generation(self, scope: str) -> None:
        old = int(self.redis.hget("mz:generations", scope) or 0)
        with self.redis.pipeline(transaction=True) as change:
            change.hset("mz:generations", scope, str(old + 1))
            change.xadd("mz:events", {"type": "generation", "name": scope, "value": old + 1, "delta": 1})
            change.execute()


@dataclass
class Reply:
    """An answer read whole; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    all_headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json", self
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        assert document["type"] == f"urn:mezzotint:problem:{document['code']}"
        return document

    @property
    def code(self) -> str:
        return str(self.problem["code"])

    @property
    def cache(self) -> str | None:
        return self.headers.get("x-cache")


class Running:
    """nginx in a folder of its own."""

    def __init__(self, folder: Path, redis_url: str, grammar: Mapping[str, object], **changes: Any) -> None:
        self.folder = folder
        self.redis_url = redis_url
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "seal_key").write_text(SEAL_KEY.hex() + "\n")
        self.edge = nginx.Edge(
            listen=f"127.0.0.1:{self.port}",
            hosts=(HOST, "localhost", "other.example.com"),
            redis=redis_url,
            seal_key=folder / "seal_key",
            grammar=folder / "edge/grammar.json",
            cache_folder=folder / "cache",
            access_log=folder / "access.log",
            origins=(f"unix:{folder / 'origin.sock'}",),
            miss_socket=folder / "miss.sock",
            status_socket=folder / "edge.sock",
            workers="2",
            **changes,
        )
        self.grammar = grammar
        self.origin = Origin(folder / "origin.sock")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        prefix = self.folder / "edge"
        nginx.install(prefix, nginx.here(self.edge), self.grammar)
        user = unprivileged()
        if user:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)
        with (self.folder / "error.log").open("ab") as log:
            self.process = subprocess.Popen(
                nginx.command(prefix),
                stdout=log,
                stderr=log,
                user=user and user.pw_uid,
                group=user and user.pw_gid,
                extra_groups=[] if user else None,
            )

        def answers() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.errors()
            with suppress(OSError):
                return self.get("/edge/livez").status == 200
            return False

        eventually(answers, "the edge answers")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None

    def errors(self) -> str:
        return (self.folder / "error.log").read_text()

    def status(self) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(self.edge.status_socket))
            connection.sendall(b"GET /status HTTP/1.0\r\n\r\n")
            raw = b"".join(iter(lambda: connection.recv(65536), b""))
        status: dict[str, Any] = json.loads(raw.partition(b"\r\n\r\n")[2])
        return status

    def get(
        self,
        target: str,
        *,
        method: str = "GET",
        host: str = HOST,
        body: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        client: str | None = None,
        **more_headers: str,
    ) -> Reply:
        """Ask exactly for `target`, from another address of this machine if need be (`client`).

        A header's name is written with `_` for `-`.
        """
        source = (client, 0) if client else None
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE, source_address=source)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host)
            for name, value in {**headers, **more_headers}.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return read(connection.getresponse())
        finally:
            connection.close()

    def raw(self, request: bytes, method: str = "GET") -> Reply:
        """Send these bytes and read one answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            response = HTTPResponse(connection, method=method)
            response.begin()
            return read(response)

    def log(self) -> list[dict[str, Any]]:
        """The access log so far, which is at most a second behind."""
        return [json.loads(line) for line in whole_lines(self.edge.access_log)]

    def entries(self) -> list[str]:
        """The keys in the cache on disk."""
        return [head.partition("\n")[0] for head in self.heads()]

    def heads(self) -> list[str]:
        """Key, status line and headers of each entry in the cache on disk."""
        while True:
            with suppress(FileNotFoundError):  # nginx has just given one its last name: the reply comes before that
                files = [file.read_bytes() for file in self.edge.cache_folder.rglob("*") if file.is_file()]
                return [file.partition(b"\nKEY: ")[2].partition(b"\r\n\r\n")[0].decode() for file in files]


def cached(edge: Running, target: str) -> bool:
    return edge.get(target).cache == "HIT"


def judged(edge: Running, target: str, **options: Any) -> Reply:
    """The verdict on a URL for which Redis may be asked: the edge does so while it hears Redis, and not too often.

    Where all stood still for two seconds, it does not hear Redis for a moment.
    """
    return eventually(lambda: (reply := edge.get(target, **options)).status not in (429, 503) and reply, "a verdict")


def read(response: HTTPResponse) -> Reply:
    pairs = [(name.lower(), value) for name, value in response.getheaders()]
    return Reply(response.status, dict(pairs), response.read(), pairs)


@contextmanager
def running(redis_url: str, grammar: Mapping[str, object], **changes: Any) -> Iterator[Running]:
    """An edge with its stub origin, stopped and removed afterwards."""
    folder = private_folder()
    instance = Running(folder, redis_url, grammar, **changes)
    try:
        instance.origin.start()
        instance.start()
        yield instance
    finally:
        instance.stop()
        instance.origin.stop()
        shutil.rmtree(folder)
