"""Stored pictures: the origin says where the bytes lie, nginx fetches them from a real folder or server, and nobody can
tell them from others.
"""

import hashlib
import io
import json
import os
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mezzotint.plugin_api import Storage
from mezzotint.plugins.storages.filesystem import Filesystem
from mezzotint.plugins.storages.minio import MinIO
from tests.contracts.storage_contract import GOOD_KEYS
from tests.edge.running import (
    Answer,
    Control,
    Reply,
    Running,
    another,
    eventually,
    picture,
    private,
    public,
    running,
    sign,
)
from tests.servers import minio, names, versitygw
from tests.servers.certificates import certify
from tests.servers.installation import free_port, private_folder, unprivileged
from tests.servers.s3 import S3Server

PLAIN, AUTO, PRESET = "fmt_jpg-w_100-q_85.jpg", "fmt_auto-w_100.jpg", "preset_card-fmt_jpg.jpg"


def problem(status: int, code: str, keep: int) -> Answer:
    document = {"type": f"urn:mezzotint:problem:{code}", "status": status, "code": code}
    headers = {"Content-Type": "application/problem+json", "X-Accel-Expires": str(keep)}
    return Answer(status, json.dumps(document).encode(), headers)


GONE, AWAY = problem(404, "not_found", 2), problem(503, "unavailable", 0)


def nothing_there(*_: object) -> Answer:
    return GONE


@dataclass
class Shelf:
    """An origin whose pictures are in a store, and what it says to an edge that did not get them there."""

    store: Storage
    otherwise: Callable[[str, Mapping[str, str]], Answer] = picture

    def __call__(self, path: str, headers: Mapping[str, str]) -> Answer:
        if "variants" not in headers.get("X-Mezzotint-Stores", "").split():
            return self.otherwise(path, headers)
        made = picture(path, headers)
        if headers.get("If-None-Match") == made.headers["ETag"]:
            return made
        return pointing(made, f"/_stored/variants{self.store.fetch_path(key_of(path, headers))}")

    def fill(self, path: str, accept: str = "", body: bytes | None = None) -> None:
        """Put the picture of a canonical path, or other bytes, where it belongs."""
        headers = {"X-Mezzotint-Accept": accept} if accept else {}
        keep(self.store, key_of(path, headers), body if body is not None else picture(path, headers).body)


def pointing(made: Answer, where: str) -> Answer:
    """The same picture, its bytes left to the edge."""
    told = {"X-Accel-Redirect": where, "X-Mezzotint-Size": str(len(made.body)), "X-Mezzotint-Grammar": "the origin's"}
    return replace(made, body=b"", headers={**made.headers, **told})


def key_of(path: str, headers: Mapping[str, str]) -> str:
    name = hashlib.sha256(f"{path}{headers.get('X-Mezzotint-Accept', '')}".encode()).hexdigest()
    return f"{name[:2]}/..{name}-x_y.z.jpg"


def keep(store: Storage, key: str, content: bytes) -> None:
    store.put(key, io.BytesIO(content), size=len(content), content_type="application/x-of-the-store")
    if isinstance(store, Filesystem) and (user := unprivileged()):
        for path in (folder := folder_of(store), *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)


def folder_of(store: Storage) -> Path:
    return Path((store.base_url or "").removeprefix("file://"))


@contextmanager
def shelved(
    store: Storage, redis_url: str, table: dict[str, Any], control: Control, **changes: Any
) -> Iterator[Running]:
    """An edge that fetches from this store, called `variants`."""
    with running(redis_url, table, stores=(f"variants={store.base_url}",), **changes) as edge:
        eventually(lambda: edge.status().get("epoch") == control.epoch, "the edge has read the publications")
        edge.origin.answer = Shelf(store)
        yield edge


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the edge may read."""
    where = private_folder()
    yield where
    shutil.rmtree(where)


@contextmanager
def folder() -> Iterator[Storage]:
    where = private_folder()
    try:
        yield Filesystem(str(where / "a folder, of (all) things; {its} name"))
    finally:
        shutil.rmtree(where)


@contextmanager
def bucket(serving: AbstractContextManager[S3Server], **options: Any) -> Iterator[Storage]:
    with serving as server:
        store = MinIO(**server.options("mezzo.tint"), prefix="variants/of-us", **options)
        store.check()
        yield store


@pytest.fixture(scope="module", params=["folder", "minio", "versitygw"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    home = tmp_path_factory.mktemp("server")
    kinds = {
        "folder": folder,
        "minio": lambda: bucket(minio.running(home), encrypt=True),
        "versitygw": lambda: bucket(versitygw.running(home)),
    }
    with kinds[request.param]() as store:
        yield store


@pytest.fixture(scope="module")
def stored(redis_url: str, table: dict[str, Any], control: Control, store: Storage) -> Iterator[Running]:
    with shelved(store, redis_url, table, control) as edge:
        yield edge


@pytest.fixture
def shelf(stored: Running, store: Storage) -> Iterator[Shelf]:
    stored.origin.answer = shelf = Shelf(store)
    yield shelf
    if stored.origin.server is None:
        stored.origin.start()


@pytest.fixture(scope="module")
def near(redis_url: str, table: dict[str, Any], control: Control) -> Iterator[tuple[Running, Shelf]]:
    """An edge beside a folder."""
    with folder() as store, shelved(store, redis_url, table, control) as edge:
        yield edge, Shelf(store)


def told(reply: Reply) -> list[tuple[str, str]]:
    """All headers, less what no two answers have in common."""
    pairs = [pair for pair in reply.all_headers if pair[0] not in ("date", "x-request-id", "etag")]
    return sorted((name, re.sub(r";dur=\d+", "", value)) for name, value in pairs)


@pytest.mark.parametrize("operations", [PLAIN, AUTO, PRESET])
@pytest.mark.parametrize("door", [public, private])
@pytest.mark.parametrize("query", ["", "download=my%20cat.jpg"])
def test_nobody_can_tell_it_from_a_picture_that_the_origin_sent(
    stored: Running, shelf: Shelf, operations: str, door: Callable[[str, str], str], query: str
) -> None:
    def ask(path: str) -> list[Reply]:
        signed = path.startswith("/v1/priv/")
        target = sign(path, seconds=86_000) if signed else path
        target += (("&" if signed else "?") + query) if query else ""
        return [stored.get(target, accept="image/webp") for _ in range(2)]

    path, sibling = door(operations, another()), door(operations, another())
    shelf.fill(path, accept="webp" if operations == AUTO else "")
    fetched = ask(path)
    [asked] = stored.origin.asked(path)
    assert asked["X-Mezzotint-Stores"] == "variants"
    stored.origin.answer = picture
    sent = ask(sibling)
    assert [reply.cache for reply in fetched] == ["MISS", "HIT"]
    for mine, other in zip(fetched, sent, strict=True):
        assert (mine.status, mine.body) == (200, other.body.replace(sibling.encode(), path.encode()))
        assert mine.headers["etag"] == f'"{hashlib.sha256(mine.body).hexdigest()}"'
        age = {"cache-control"} if door is private else set()  # counted in seconds
        assert [one for one in told(mine) if one[0] not in age] == [one for one in told(other) if one[0] not in age]
        assert (mine.headers["cache-control"][:9]) == other.headers["cache-control"][:9]


def test_the_second_request_needs_neither_origin_nor_store(stored: Running, shelf: Shelf, store: Storage) -> None:
    path = public(PLAIN, another())
    shelf.fill(path)
    first = stored.get(path)
    store.delete(key_of(path, {}))
    stored.origin.stop()
    second = stored.get(path)
    assert (first.cache, second.cache, second.body) == ("MISS", "HIT", first.body)


@pytest.mark.parametrize("warm", [False, True])
def test_head_ranges_and_conditions(stored: Running, shelf: Shelf, warm: bool) -> None:
    def fresh() -> tuple[str, bytes]:
        path = public(PLAIN, another())
        shelf.fill(path)
        if warm:
            stored.get(path)
        return path, picture(path, {}).body

    path, whole = fresh()
    head = stored.get(path, method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(whole)))
    assert stored.get(path).body == whole
    for sent, part in (("bytes=2-5", slice(2, 6)), ("bytes=-4", slice(-4, None)), ("bytes=9-", slice(9, None))):
        path, whole = fresh()
        reply = stored.get(path, range=sent)
        assert (reply.status, reply.body) == (206, whole[part])
        assert stored.get(path).body == whole
    path, whole = fresh()
    assert stored.get(path, range="bytes=99999-").code == "range_not_satisfiable"
    for header, value in (
        ("If-None-Match", '"{digest}"'),
        ("If-None-Match", 'W/"{digest}"'),
        ("If-Modified-Since", "Fri, 03 Jan 2025 00:00:00 GMT"),
    ):
        path, whole = fresh()
        reply = stored.get(path, headers={header: value.format(digest=hashlib.sha256(whole).hexdigest())})
        assert (reply.status, reply.body) == (304, b"")
        assert stored.get(path).body == whole
        assert len(stored.origin.asked(path)) == 1


def test_what_expired_is_confirmed_or_replaced(stored: Running, shelf: Shelf, store: Storage) -> None:
    def expiring(path: str, headers: Mapping[str, str]) -> Answer:
        answer = Shelf(store)(path, headers)
        return replace(answer, headers={**answer.headers, "X-Accel-Expires": "1"})

    for change, cache in (({}, "REVALIDATED"), ({"ETag": '"another"', "X-Mezzotint-Size": "8"}, "EXPIRED")):
        path = public(PLAIN, another())
        shelf.fill(path)
        stored.origin.answer = expiring
        first = stored.get(path)
        assert first.cache == "MISS"
        stored.origin.stop()
        eventually(lambda path=path: stored.get(path).cache == "STALE", "it is no longer fresh")
        stored.origin.start()

        def again(path: str, headers: Mapping[str, str], change: dict[str, str] = change) -> Answer:
            if not change:
                return shelf(path, headers)
            answer = pointing(picture(path, headers), f"/_stored/variants{store.fetch_path(key_of(path, headers))}")
            return replace(answer, headers={**answer.headers, **change})

        if change:
            shelf.fill(path, body=b"replaced")
        stored.origin.answer = again
        reply = stored.get(path)
        assert (reply.cache, reply.body) == (cache, b"replaced" if change else first.body)
        assert stored.get(path).cache == "HIT"


@pytest.mark.usefixtures("shelf")
def test_a_lost_one_is_had_from_the_origin(stored: Running) -> None:
    path = public(PLAIN, another())
    first, second = stored.get(path), stored.get(path)
    assert (first.status, first.cache, second.cache) == (200, "MISS", "HIT")
    assert first.body == second.body == picture(path, {}).body
    before, after = stored.origin.asked(path)
    assert before.pop("X-Mezzotint-Stores") == "variants"
    assert after.pop("X-Mezzotint-Unfetched") == "variants"
    assert before == after


def test_what_the_origin_says_of_a_lost_one_is_said(stored: Running, shelf: Shelf) -> None:
    for problem, kept in ((GONE, "HIT"), (AWAY, "MISS")):
        path = public(PLAIN, another())
        shelf.otherwise = lambda *_, problem=problem: problem
        first = stored.get(path)
        second = eventually(
            lambda path=path, kept=kept: (reply := stored.get(path)).cache == kept and reply, "kept for two seconds"
        )
        replies = [first, second]
        assert [(reply.status, reply.body) for reply in replies] == [(problem.status, problem.body)] * 2
        assert first.cache == "MISS"
        assert "immutable" not in str(replies)
        shelf.otherwise = picture
        shelf.fill(path)
        assert eventually(lambda path=path: stored.get(path).status == 200, "the picture is there")


def test_an_origin_that_dies_between_the_two_questions(stored: Running, shelf: Shelf) -> None:
    def dying(*_: object) -> Answer:
        raise ConnectionAbortedError

    shelf.otherwise = dying
    path = public(PLAIN, another())
    reply = stored.get(path)
    assert (reply.status, reply.code, reply.cache) == (503, "unavailable", "MISS")
    assert reply.problem["request_id"] == reply.headers["x-request-id"]
    shelf.otherwise = picture
    assert (stored.get(path).cache, stored.get(path).cache) == ("MISS", "HIT")


@pytest.mark.parametrize("body", [b"", b"half", b"more than the origin speaks of" * 20])
def test_other_bytes_than_the_origin_speaks_of_are_kept_by_nobody(stored: Running, shelf: Shelf, body: bytes) -> None:
    path = public(PLAIN, another())
    shelf.fill(path, body=body)
    for _ in range(2):
        reply = stored.get(path)
        assert (reply.status, reply.code) == (503, "unavailable")
    shelf.fill(path)
    assert [stored.get(path).cache for _ in range(2)] == ["MISS", "HIT"]


def test_many_at_once_are_one_question_and_one_fetch(stored: Running, shelf: Shelf) -> None:
    stored.origin.answer = lambda path, headers: replace(shelf(path, headers), wait=0.03)

    def one_question() -> bool:
        path = public(PLAIN, another())
        shelf.fill(path)
        with ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(lambda _: stored.get(path), range(12)))
        assert {(reply.status, reply.body) for reply in replies} == {(200, picture(path, {}).body)}
        return len(stored.origin.asked(path)) == 1

    # They wait for each other 100 ms, which a machine that stalls may outlast.
    assert any(one_question() for _ in range(10))


@pytest.mark.usefixtures("shelf")
def test_a_large_one_passes_whole(stored: Running, store: Storage) -> None:
    body = bytes(range(256)) * 40_000
    keep(store, "large", body)
    stored.origin.answer = lambda path, headers: pointing(
        replace(picture(path, headers), body=body), f"/_stored/variants{store.fetch_path('large')}"
    )
    path = public(PLAIN, another())
    for cache in ("MISS", "HIT"):
        reply = stored.get(path)
        assert (reply.cache, reply.body == body) == (cache, True)


@pytest.mark.usefixtures("shelf")
def test_whatever_a_key_may_be(stored: Running, store: Storage) -> None:
    for key in set(GOOD_KEYS) - {"a", "A"}:  # which go on in others
        keep(store, key, key.encode())
        stored.origin.answer = lambda path, headers, key=key: pointing(
            replace(picture(path, headers), body=key.encode()), f"/_stored/variants{store.fetch_path(key)}"
        )
        reply = stored.get(public(PLAIN, another()))
        assert (reply.status, reply.body) == (200, key.encode())


# What clients may try


def test_nobody_else_gets_into_a_store(stored: Running, shelf: Shelf, store: Storage) -> None:
    path = public(PLAIN, another())
    shelf.fill(path)
    below = f"/_stored/variants{store.fetch_path(key_of(path, {}))}"
    for target in (below, f"{path}/..{below}", f"/v1/pub/..{below}"):
        reply = stored.get(target)
        assert (reply.status, reply.code) == (400, "invalid_path")
    hostile = {"X-Mezzotint-Stores": "variants", "X-Mezzotint-Unfetched": "variants", "X-Accel-Redirect": below}
    with socket.socket(socket.AF_UNIX) as hop:
        hop.connect(str(stored.edge.miss_socket))
        hop.sendall(f"GET {below} HTTP/1.0\r\nX-Mezzotint-Uri: {path}\r\n\r\n".encode())
        assert b"picture /v1" not in b"".join(iter(lambda: hop.recv(65536), b""))
    stored.origin.answer = nothing_there
    assert stored.get(path, headers=hostile).status == 404
    [asked] = stored.origin.asked(path)
    assert "X-Mezzotint-Unfetched" not in asked
    stored.origin.answer = lambda *_: Answer(headers={"X-Accel-Redirect": below})
    reply = stored.get("/v1/assets", headers=hostile)
    assert b"picture /v1" not in reply.body
    _, _, asked = stored.origin.requests[-1]
    assert not hostile.keys() & asked.keys()


@pytest.mark.usefixtures("shelf")
def test_a_store_that_was_never_named_holds_nothing(stored: Running) -> None:
    path = public(PLAIN, another())
    stored.origin.answer = lambda path, headers: (
        pointing(picture(path, headers), "/_stored/secrets/x") if "X-Mezzotint-Stores" in headers else GONE
    )
    assert stored.get(path).status == 404


# Folders


def test_what_lies_outside_of_the_folder_stays_there(near: tuple[Running, Shelf]) -> None:
    edge, shelf = near
    inside = folder_of(shelf.store)
    outside = inside.with_name("outside.jpg")
    path = public(PLAIN, another())
    outside.write_bytes(picture(path, {}).body)
    outside.chmod(0o644)
    link = inside / key_of(path, {})
    shelf.fill(path)
    link.unlink()
    link.symlink_to(outside)
    edge.origin.answer = replace(shelf, otherwise=nothing_there)
    assert edge.get(path).status == 404
    for way in ("../outside.jpg", "x/../../outside.jpg", "%2e%2e/outside.jpg"):
        edge.origin.answer = lambda path, headers, way=way: (
            pointing(picture(path, headers), f"/_stored/variants/{way}") if "X-Mezzotint-Stores" in headers else GONE
        )
        assert edge.get(path.replace(".jpg", ".png")).status == 404


def test_a_file_that_nginx_may_not_read_is_had_from_the_origin(near: tuple[Running, Shelf]) -> None:
    edge, shelf = near
    edge.origin.answer = shelf
    path = public(PLAIN, another())
    shelf.fill(path)
    (folder_of(shelf.store) / key_of(path, {})).chmod(0)
    assert (edge.get(path).body, edge.get(path).cache) == (picture(path, {}).body, "HIT")
    assert len(edge.origin.asked(path)) == 2


def test_a_folder_that_is_not_there(near: tuple[Running, Shelf]) -> None:
    edge, shelf = near
    edge.origin.answer = replace(shelf, otherwise=lambda *_: AWAY)
    path = public(PLAIN, another())
    shelf.fill(path)
    where = folder_of(shelf.store)
    aside = where.rename(where.with_name("aside"))
    try:
        for _ in range(2):
            reply = edge.get(path)
            assert (reply.status, reply.body, reply.cache) == (503, AWAY.body, "MISS")
    finally:
        aside.rename(where)
    assert (edge.get(path).body, edge.get(path).cache) == (picture(path, {}).body, "HIT")


# Servers


class Hostile(BaseHTTPRequestHandler):
    """A store's server that may say anything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers.items()))
        self.server.say(self)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def saying(say: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        server.say, server.seen = say, []
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def at(port: int, host: str = "127.0.0.1", *, secure: bool = False) -> MinIO:
    place = {"endpoint": f"{host}:{port}", "bucket": "things", "secure": secure}
    return MinIO(**place, access_key="an-access-key", secret_key="a-secret-key")


@pytest.fixture
def away(redis_url: str, table: dict[str, Any], control: Control) -> Iterator[Callable[[Storage], Any]]:
    """An edge that fetches from a server of which nothing is known."""
    return partial(shelved, redis_url=redis_url, table=table, control=control)


def test_what_a_server_says_besides_is_not_passed_on(away: Callable[[Storage], Any]) -> None:
    def say(request: BaseHTTPRequestHandler) -> None:
        body = picture(path, {}).body
        request.send_response(200)
        for name, value in {
            "Content-Length": str(len(body)),
            "Content-Type": "text/html",
            "ETag": '"md5"',
            "Last-Modified": "Fri, 03 Jan 2025 00:00:00 GMT",
            "Cache-Control": "private, max-age=1",
            "Expires": "Fri, 03 Jan 2025 00:00:00 GMT",
            "Content-Disposition": "attachment",
            "Content-Encoding": "gzip",
            "Content-Language": "xx",
            "Set-Cookie": "a=b",
            "Vary": "Origin",
            "Link": "<x>",
            "X-Accel-Redirect": "/_stored/variants/other",
            "X-Accel-Expires": "0",
            "X-Mezzotint-Variant": "theirs",
            "X-Amz-Meta-Secret": "x",
            "Server-Timing": "theirs",
            "Access-Control-Allow-Origin": "https://evil",
        }.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    path, sibling = public(PLAIN, another()), public(PLAIN, another())
    with saying(say) as server, away(at(server.server_address[1])) as edge:
        fetched = [edge.get(path, cookie="a=b", authorization="Bearer x") for _ in range(2)]
        edge.origin.answer = picture
        sent = [edge.get(sibling) for _ in range(2)]
        assert [told(reply) for reply in fetched] == [told(reply) for reply in sent]
        assert [reply.body for reply in fetched] == [picture(path, {}).body] * 2
        [seen] = server.seen
        assert seen == {"Host": f"127.0.0.1:{server.server_address[1]}", "Connection": "close"}


@pytest.mark.parametrize("status", [204, 206, 301, 307, 400, 403, 404, 429, 500, 503, 599])
def test_whatever_else_a_server_answers_goes_to_nobody(away: Callable[[Storage], Any], status: int) -> None:
    def say(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Location", "http://127.0.0.1:9/elsewhere")
        body = b"" if status == 204 else picture(path, {}).body
        if body:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    path = public(PLAIN, another())
    with saying(say) as server, away(at(server.server_address[1])) as edge:
        edge.origin.answer.otherwise = lambda *_: AWAY
        reply = edge.get(path)
        assert (reply.status, reply.code) == (503, "unavailable")
        assert "location" not in reply.headers
        if status in (204, 206, 599):  # no error to nginx, and no picture
            return
        assert reply.body == AWAY.body
        edge.origin.answer.otherwise = picture
        assert (edge.get(path).body, edge.get(path).cache) == (picture(path, {}).body, "HIT")


def test_a_server_of_this_machine_by_its_name(away: Callable[[Storage], Any]) -> None:
    def say(request: BaseHTTPRequestHandler) -> None:
        body = picture(path, {}).body
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    path = public(PLAIN, another())
    with saying(say) as server, away(at(port := server.server_address[1], "localhost")) as edge:
        assert (edge.get(path).body, edge.get(path).cache) == (picture(path, {}).body, "HIT")
        assert [seen["Host"] for seen in server.seen] == [f"localhost:{port}"]


def test_a_server_that_is_not_there(away: Callable[[Storage], Any]) -> None:
    with away(at(free_port())) as edge:
        path = public(PLAIN, another())
        assert (edge.get(path).body, edge.get(path).cache) == (picture(path, {}).body, "HIT")


def test_a_server_that_never_answers(away: Callable[[Storage], Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, away(at(mute.getsockname()[1])) as edge:
        path = public(PLAIN, another())
        assert (edge.get(path).body, edge.get(path).cache) == (picture(path, {}).body, "HIT")


def test_a_server_that_breaks_off(away: Callable[[Storage], Any]) -> None:
    def say(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(picture(path, {}).body)))
        request.end_headers()
        request.wfile.write(b"half")
        request.close_connection = True

    path = public(PLAIN, another())
    with saying(say) as server, away(at(server.server_address[1])) as edge:
        with pytest.raises(Exception, match=r"IncompleteRead|Remote end closed|reset"):
            assert edge.get(path).status == 200
        edge.origin.answer = picture
        assert edge.get(path).cache == "MISS"


def test_only_a_trusted_certificate_will_do(
    away: Callable[[Storage], Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certify(home / "certificates", "s3.example.com")
    with minio.serving(S3Server(secure=True), home) as server, names.serving() as resolver:
        port = int(server.endpoint.rpartition(":")[2])
        store = MinIO(**server.options("things") | {"endpoint": f"s3.example.com:{port}"})
        for trusted in (True, False):
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            direct = MinIO(**server.options("things"))
            direct.check()
            path = public(PLAIN, another())
            Shelf(direct).fill(path)
            if not trusted:
                monkeypatch.delenv("SSL_CERT_FILE")
            with away(store, resolvers=(resolver,)) as edge:
                assert (edge.get(path).body, edge.get(path).cache) == (picture(path, {}).body, "HIT")
                assert len(edge.origin.asked(path)) == (1 if trusted else 2), edge.errors()
