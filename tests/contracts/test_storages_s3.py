"""What only a server can get wrong: waits, retries, refusals, conditions, signed URLs, leaks."""

import io
import json
import re
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from minio import Minio, MinioAdmin
from minio.credentials import StaticProvider

from mezzotint.plugin_api import ObjectNotFound, StoreUnavailable
from mezzotint.plugins.storages.minio import MinIO
from tests.contracts.storage_contract import EVERY_METHOD, LARGE, keys, put, put_if_absent, read, trickle
from tests.journeys.waiting import until
from tests.servers import minio as minio_server
from tests.servers.certificates import certify
from tests.servers.installation import PATIENCE
from tests.servers.s3 import S3Server

NOWHERE = S3Server(access_key="an-access-key", secret_key="a-secret-key")


@pytest.fixture
def store(s3: S3Server) -> MinIO:
    store = MinIO(**s3.options("things"), prefix=uuid4().hex)
    store.check()
    return store


HARDLY = 0.2
"""seconds, of patience with a server that will not answer; with one that will, a busy machine needs more"""


def at(endpoint: str, **options: Any) -> MinIO:
    """A store whose server is not a real one."""
    return MinIO(**{**NOWHERE.options("things"), "endpoint": endpoint, **options})


# Conditions and parts


@pytest.mark.parametrize("content", [b"second", LARGE], ids=["whole", "in parts"])
def test_the_server_itself_refuses_to_replace(store: MinIO, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    put(store, "a", b"first")

    def blind(key: str) -> None:
        raise ObjectNotFound(key)

    monkeypatch.setattr(store, "_head", blind)
    assert put_if_absent(store, "a", content) is False
    assert store.get("a") == b"first"


@pytest.mark.parametrize("method", ["put", "put_if_absent"])
def test_a_broken_upload_leaves_no_parts_behind(store: MinIO, s3: S3Server, method: str) -> None:
    with pytest.raises(ConnectionResetError):
        getattr(store, method)("a", trickle(LARGE, breaks=True), size=2 * len(LARGE), content_type="image/jpeg")
    client = Minio(s3.endpoint, s3.access_key, s3.secret_key, secure=s3.secure, region="us-east-1")
    assert client._list_multipart_uploads("things").uploads == []


DIES = """
import json, os, sys
from mezzotint.plugins.storages.minio import MinIO
class Dying:
    left = 3
    def read(self, size):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), 9)
        return bytes(size)
MinIO(**json.loads(sys.argv[1])).put("half/way", Dying(), size=30_000_000, content_type="image/jpeg")
"""


def test_the_parts_of_a_killed_process_are_swept(s3: S3Server) -> None:
    options = s3.options("things") | {"prefix": uuid4().hex}
    store, other = MinIO(**options), MinIO(**options | {"prefix": uuid4().hex})
    store.check()
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", DIES, json.dumps(options)], env={"PYTHONPATH": ":".join(sys.path)}, check=False
        )
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert store.sweep(tomorrow - timedelta(days=2)) == 0
    assert other.sweep(tomorrow) == 0
    assert store.sweep(tomorrow) == 2
    assert store.sweep(tomorrow) == 0
    assert keys(store) == []


def test_stores_that_share_a_bucket_do_not_meet(s3: S3Server) -> None:
    one, other = (MinIO(**s3.options("things"), prefix=prefix) for prefix in (uuid4().hex, uuid4().hex + "/"))
    one.check()
    put(one, "a", b"x")
    assert not other.exists("a")
    assert keys(other) == []
    other.delete("a")
    assert keys(one) == ["a"]


def test_foreign_names_are_left_out_of_a_listing(store: MinIO, s3: S3Server) -> None:
    put(store, "a", b"x")
    client = Minio(s3.endpoint, s3.access_key, s3.secret_key, secure=s3.secure, region="us-east-1")
    for name in ("not ours", "folder/", "naïve"):
        client.put_object("things", store._prefix + name, io.BytesIO(b""), 0)
    assert keys(store) == ["a"]


def test_objects_are_encrypted_at_rest_when_asked(minio: S3Server) -> None:
    store = MinIO(**minio.options("things"), prefix=uuid4().hex, encrypt=True)
    for key, content in (("small", b"x"), ("large", LARGE)):
        put(store, key, content)
        answer = requests.get(store.presigned_get(key, seconds=60), timeout=30)
        assert answer.headers["x-amz-server-side-encryption"] == "AES256"
        assert answer.content == content


# Signed URLs


def test_a_signed_url_reads_without_us(store: MinIO) -> None:
    put(store, "folder/a.jpg", LARGE)
    url = store.presigned_get("folder/a.jpg", seconds=60)
    answer = requests.get(url, timeout=30)
    assert (answer.status_code, answer.content) == (200, LARGE)
    assert answer.headers["Content-Type"] == "image/jpeg"
    part = requests.get(url, headers={"Range": "bytes=5-9"}, timeout=30)
    assert (part.status_code, part.content) == (206, LARGE[5:10])


def test_a_signed_url_writes_without_us(store: MinIO) -> None:
    url = store.presigned_put("a.png", seconds=60, content_type="image/png")
    assert requests.put(url, b"picture", headers={"Content-Type": "image/png"}, timeout=30).status_code == 200
    assert store.get("a.png") == b"picture"
    assert store.stat("a.png").content_type == "image/png"


def test_a_signed_url_is_good_for_nothing_else(store: MinIO) -> None:
    for key in ("a", "b"):
        put(store, key, b"x")
    url = store.presigned_get("a", seconds=60)
    place, _, signature = url.rpartition("=")
    forged = place + "=" + ("0" if signature[0] != "0" else "1") + signature[1:]
    longer = url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    other = url.replace("/a?", "/b?")
    assert len({url, forged, longer, other}) == 4
    for refused in (forged, longer, other, url.partition("?")[0]):
        assert requests.get(refused, timeout=30).status_code == 403
    assert requests.put(url, b"y", timeout=30).status_code == 403
    assert requests.delete(url, timeout=30).status_code == 403
    assert requests.get(store.presigned_put("a", seconds=60, content_type=""), timeout=30).status_code == 403
    assert store.get("a") == b"x"


def test_a_signed_url_ends(store: MinIO) -> None:
    put(store, "a", b"x")
    reading, writing = store.presigned_get("a", seconds=1), store.presigned_put("a", seconds=1, content_type="")
    end = time.monotonic() + PATIENCE
    while requests.get(reading, timeout=30).status_code != 403:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert requests.put(writing, b"late", timeout=30).status_code == 403
    assert store.get("a") == b"x"


@pytest.mark.parametrize("seconds", [0, -1, 7 * 24 * 3600 + 1])
def test_a_signed_url_lives_for_a_second_to_a_week(seconds: int) -> None:
    store = at("127.0.0.1:9")
    with pytest.raises(ValueError, match="expires"):
        store.presigned_get("a", seconds=seconds)
    with pytest.raises(ValueError, match="expires"):
        store.presigned_put("a", seconds=seconds, content_type="")


def test_signed_urls_begin_with_where_clients_find_the_server(s3: S3Server) -> None:
    store = MinIO(**s3.options("things") | {"public_url": "https://pictures.example.com"})
    for url in (store.presigned_get("a", seconds=60), store.presigned_put("a", seconds=60, content_type="")):
        assert url.startswith("https://pictures.example.com/things/a?X-Amz-")
    assert store.base_url == f"{'https' if s3.secure else 'http'}://{s3.endpoint}", "nginx finds it where we do"
    store.check()


def test_signing_bad_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="name"):
        at("127.0.0.1:9").presigned_get("../a", seconds=60)
    with pytest.raises(ValueError, match="name"):
        at("127.0.0.1:9").presigned_put("../a", seconds=60, content_type="")


# TLS


def test_only_a_trusted_certificate_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = certify(tmp_path / "certificates")
    with minio_server.serving(S3Server(secure=True), tmp_path) as server:
        with pytest.raises(StoreUnavailable, match="SSLError"):
            MinIO(**server.options("things")).check()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        store = MinIO(**server.options("things"))
        store.check()
        assert put_if_absent(store, "small", b"x") is True
        assert put_if_absent(store, "large", LARGE) is True
        assert (store.get("small"), store.get("large")) == (b"x", LARGE)
        assert store.presigned_get("small", seconds=60).startswith("https://")


# Refusals


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_a_missing_bucket_has_not_lost_its_objects(s3: S3Server, method: str) -> None:
    store = MinIO(**{**s3.options(f"missing-{uuid4().hex}"), "create_bucket": False})
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        EVERY_METHOD[method](store, "a")
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        list(store.list())
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        store.check()


def test_the_bucket_is_made_when_that_is_allowed(s3: S3Server) -> None:
    store = MinIO(**s3.options(f"made-{uuid4().hex}"))
    for _ in range(2):
        store.check()
    put(store, "a", b"x")
    assert keys(store) == ["a"]


@pytest.mark.parametrize("wrong", ["access_key", "secret_key"])
@pytest.mark.parametrize("method", EVERY_METHOD)
def test_wrong_credentials_are_told_and_not_shown(s3: S3Server, method: str, wrong: str) -> None:
    options = {**s3.options("things"), wrong: "wrong-" + uuid4().hex}
    store = MinIO(**options)
    for call in (lambda: EVERY_METHOD[method](store, "a"), store.check, lambda: list(store.list())):
        with pytest.raises(StoreUnavailable, match=r"bucket things at [\w.:]+: \w+$") as caught:
            call()
        shown = "".join(traceback.format_exception(caught.value)) + repr(store)
        assert options["access_key"] not in shown
        assert options["secret_key"] not in shown


@pytest.fixture
def own_minio(tmp_path: Path) -> Iterator[S3Server]:
    """One that can be asked to make users, whatever S3_ENDPOINT names."""
    with minio_server.serving(S3Server(), tmp_path) as server:
        yield server


def test_the_rights_that_the_docs_name_are_enough(own_minio: S3Server) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    rights = sorted(set(re.findall(r"`(s3:\w+)`", page)) - {"s3:CreateBucket"})
    name = f"least-{uuid4().hex}"
    MinIO(**own_minio.options(name)).check()
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    statement = {"Effect": "Allow", "Action": rights, "Resource": resources}
    admin = MinioAdmin(
        endpoint=own_minio.endpoint,
        credentials=StaticProvider(own_minio.access_key, own_minio.secret_key),
        secure=own_minio.secure,
    )
    admin.policy_add(name, policy={"Version": "2012-10-17", "Statement": [statement]})
    user, password = uuid4().hex, uuid4().hex
    admin.user_add(user, password)
    admin.attach_policy([name], user=user)

    options = own_minio.options(name) | {"access_key": user, "secret_key": password, "create_bucket": False}
    store = MinIO(**options)
    store.check()
    for method in EVERY_METHOD.values():
        with suppress(ObjectNotFound):
            method(store, "absent")
    put(store, "large", LARGE)
    assert put_if_absent(store, "large", b"x") is False
    assert (keys(store), store.get("large")) == (["large"], LARGE)
    subprocess.run(
        [sys.executable, "-c", DIES, json.dumps(options)], env={"PYTHONPATH": ":".join(sys.path)}, check=False
    )
    assert store.sweep(datetime.now(UTC) + timedelta(days=1)) == 1
    store.delete("large")
    assert requests.put(store.presigned_put("a", seconds=60, content_type=""), b"x", timeout=30).status_code == 200
    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        MinIO(**options | {"bucket": "things"}).get("a")


def test_credentials_may_be_in_files(s3: S3Server, tmp_path: Path) -> None:
    options = s3.options("things")
    for name in ("access_key", "secret_key"):
        (tmp_path / name).write_text(options.pop(name) + "\n")
        options[f"{name}_file"] = str(tmp_path / name)
    store = MinIO(**options)
    store.check()


@pytest.mark.parametrize("given", [{}, {"access_key": "a"}, {"secret_key": "b", "access_key_file": ""}])
def test_missing_credentials_stop_the_start(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="_key_file must be given"):
        MinIO(endpoint="127.0.0.1:9", bucket="things", **given)


# Servers that are away, hang, stumble or break off


def test_a_store_is_back_when_its_server_is(tmp_path: Path) -> None:
    server = S3Server()
    store = MinIO(**server.options("things"))
    with minio_server.serving(server, tmp_path):
        store.check()
        put(store, "a", b"x")
    for method in EVERY_METHOD.values():
        with pytest.raises(StoreUnavailable, match="NewConnectionError"):
            method(store, "a")
    with minio_server.serving(server, tmp_path):
        assert store.get("a") == b"x"
        store.check()


@contextmanager
def hung() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that accepts and never answers: its address and whom it accepted."""
    accepted: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                accepted.append(listener.accept()[0])
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", accepted
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in accepted:
                connection.close()


WAITING: dict[str, Callable[[MinIO, str], Any]] = {
    **EVERY_METHOD,
    "list": lambda store, _: list(store.list()),
    "check": lambda store, _: store.check(),
}


@pytest.mark.parametrize("method", WAITING)
def test_a_hung_server_is_waited_for_once(method: str) -> None:
    with hung() as (endpoint, accepted):
        with pytest.raises(StoreUnavailable, match=f"{endpoint}: ReadTimeoutError"):
            WAITING[method](at(endpoint, timeout=HARDLY), "a")
        until(lambda: accepted)
        assert len(accepted) == 1


def test_a_server_that_stops_reading_is_waited_for_once() -> None:
    """The body of one part is more than the sockets between us hold."""
    with hung() as (endpoint, accepted):
        store = at(endpoint, timeout=HARDLY)
        with pytest.raises(StoreUnavailable, match="Error"):
            store._upload(store._client, "a", io.BytesIO(LARGE), 8 << 20, "image/jpeg")
        until(lambda: accepted)
        assert len(accepted) == 1


@contextmanager
def scripted(answer: Callable[[BaseHTTPRequestHandler, int], None]) -> Iterator[tuple[str, list[str]]]:
    """A server that answers its nth request by `answer(handler, n)`: its address and the requests' methods."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.command)
            answer(self, len(asked))

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def respond(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def test_a_server_that_stumbles_is_asked_again() -> None:
    with scripted(lambda handler, turn: respond(handler, 503 if turn < 3 else 200, b"x", Retry_After="3600")) as (
        endpoint,
        asked,
    ):
        assert at(endpoint).get("a") == b"x"
        assert asked == ["GET"] * 3


def test_a_connection_that_breaks_is_asked_again() -> None:
    def answer(handler: BaseHTTPRequestHandler, turn: int) -> None:
        if turn == 1:
            handler.close_connection = True
        else:
            respond(handler, 200, b"x")

    with scripted(answer) as (endpoint, asked):
        assert at(endpoint).get("a") == b"x"
        assert asked == ["GET", "GET"]


def test_a_server_that_lies_down_is_left_after_three_times() -> None:
    with scripted(lambda handler, _: respond(handler, 503)) as (endpoint, asked):
        with pytest.raises(StoreUnavailable):
            at(endpoint).get("a")
        assert asked == ["GET"] * 3


def test_a_server_in_trouble_is_hardly_asked_more_than_otherwise() -> None:
    with scripted(lambda handler, _: respond(handler, 503)) as (endpoint, asked):
        store = at(endpoint)
        for _ in range(100):
            with pytest.raises(StoreUnavailable):
                store.get("a")
    assert 100 + 15 <= len(asked) <= 100 + 10 + 10  # what was saved up, and a tenth


def test_the_budget_is_one_for_all_calls_and_fills_again() -> None:
    well = threading.Event()

    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        respond(handler, 200 if well.is_set() else 503, b"x")

    with scripted(answer) as (endpoint, asked):
        store = at(endpoint)
        with ThreadPoolExecutor(4) as pool:
            assert [str(one.exception()) for one in [pool.submit(store.get, "a") for _ in range(40)]]
        well.set()
        for _ in range(100):
            store.get("a")
        well.clear()
        asked.clear()
        with pytest.raises(StoreUnavailable):
            store.get("a")
        assert asked == ["GET"] * 3


@pytest.mark.parametrize("status", [500, 503, 0])
def test_a_conditional_write_is_sent_once(status: int) -> None:
    """Or the second try would find what the first one wrote and call it somebody else's."""

    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        if handler.command == "HEAD":
            respond(handler, 404)
        elif status:
            respond(handler, status)
        else:
            handler.close_connection = True

    with scripted(answer) as (endpoint, asked):
        with pytest.raises(StoreUnavailable):
            put_if_absent(at(endpoint), "a", b"x")
        assert asked == ["HEAD", "PUT"]


@pytest.mark.parametrize("status", [301, 302, 307])
def test_redirections_are_not_followed(status: int) -> None:
    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        respond(handler, status, Location=f"http://{handler.headers['Host']}/elsewhere")

    with scripted(answer) as (endpoint, asked):
        with pytest.raises(StoreUnavailable):
            at(endpoint).get("a")
        assert asked == ["GET"]


@pytest.mark.parametrize("stalls", [True, False], ids=["stalls", "breaks off"])
@pytest.mark.parametrize("whole", [True, False], ids=["get", "open"])
def test_half_an_object_is_none(stalls: bool, whole: bool) -> None:
    done = threading.Event()

    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        respond(handler, 200, b"half", Content_Length="8")
        if stalls:
            done.wait(PATIENCE)
        handler.close_connection = True

    with scripted(answer) as (endpoint, _):
        store = at(endpoint, timeout=HARDLY if stalls else 30.0)
        with pytest.raises(StoreUnavailable):
            (store.get if whole else lambda key: read(store, key))("a")
        done.set()


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"<html>", "text/html"), (b"<html>", "application/xml"), (b"", "application/xml"), (b"\xff", "application/xml")],
)
@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
def test_no_s3_server_at_all(status: int, body: bytes, kind: str) -> None:
    answering = scripted(lambda handler, _: respond(handler, status, body, Content_Type=kind))
    with answering as (endpoint, _), pytest.raises(StoreUnavailable):
        list(at(endpoint).list())


# gevent

COOPERATES = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent.pool, io, json, sys
from mezzotint.plugins.storages.minio import MinIO
real, hung = (MinIO(**options) for options in json.loads(sys.argv[1]))
large = bytes(range(256)) * 40_000

def work(number):
    key, content = f"greenlet/{number}", large + str(number).encode()
    made = real.put_if_absent(key, io.BytesIO(content), size=len(content), content_type="image/jpeg")
    return made and real.get(key) == content

real.check()
waiting = gevent.spawn(hung.get, "a")
print(gevent.pool.Pool(4).map(work, range(8)).count(True), waiting.ready())
waiting.kill()
"""


def test_greenlets_work_while_one_waits_for_a_hung_server(s3: S3Server) -> None:
    with hung() as (endpoint, _):
        stores = [s3.options("things") | {"prefix": uuid4().hex}, s3.options("things") | {"endpoint": endpoint}]
        told = subprocess.run(
            [sys.executable, "-c", COOPERATES, json.dumps(stores)],
            env={"PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
        )
    assert told.stdout == b"8 False\n"
