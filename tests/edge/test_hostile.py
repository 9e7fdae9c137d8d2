"""Request lines and headers that try to be read in two ways: nothing but canonical paths reaches the origin."""

import json
import socket

import pytest

from tests.conftest import REPOSITORY
from tests.edge.running import HOST, PATIENCE, Control, Running, another, eventually, private, public, sign

CRLF = "\r\n"


def line(target: str, *headers: str, host: str = HOST, method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1{CRLF}Host: {host}{CRLF}{''.join(h + CRLF for h in headers)}{CRLF}".encode(
        "latin-1"
    )


def asked(edge: Running) -> int:
    return len(edge.origin.requests)


def tricks(path: str) -> list[str]:
    """Other spellings of a path, each of which some server reads as the same."""
    return [
        path.replace("/v1/", "//v1/", 1),
        path.replace("/acme/", "//acme/"),
        path.replace("/acme/", "/./acme/"),
        path.replace("/acme/", "/x/../acme/"),
        path.replace("/acme/", "/%2e%2e/acme/"),
        path.replace("/acme/", "/%2E/acme/"),
        path.replace("/acme/", "/%252e%252e/acme/"),
        path.replace("/acme/", "%2facme/"),
        path.replace("acme", "%61cme"),
        path.replace("acme", "ACME"),
        path.replace("/img/", "\\img/"),
        path.replace("/img/", "/%5cimg/"),
        path.replace("w_100", "w%5f100"),
        path.replace("w_100", "w_100;h_100"),
        path.replace("w_100", "w_100+h_100"),
        path.replace("w_100", "w_1%00"),
        path.replace("w_100", "w_1%0d%0aX-Mezzotint-Path:%20/evil"),
        path + "/",
        path + "/.",
        path + "%20",
        path + "%3fsig=x",
        path + ";a=b",
        path + "\xc3\xa9",
        path.replace("/v1/p", "/V1/p", 1),
        path.replace(".jpg", ".JPG"),
        path.replace(".jpg", ".jpg.json"),
        "/v2" + path.removeprefix("/v1"),
        "/v1/pub/.." + path.removeprefix("/v1"),
        "/v1/pub/../../v1/assets",
        "/v1/pub/%2e%2e/assets",
        "/v1/priv/..%2fpub" + path.removeprefix("/v1/pub"),
    ]


@pytest.mark.parametrize("access", ["public", "private"])
def test_other_spellings_of_a_path(edge: Running, access: str) -> None:
    path = public(asset=another()) if access == "public" else private(asset=another())
    query = sign(path).partition("?")[2]
    before = asked(edge)
    for trick in tricks(path):
        reply = edge.raw(line(f"{trick}?{query}"))
        nginx_refuses = "%00" in trick
        assert (reply.status, reply.code) == (400, "bad_request" if nginx_refuses else "invalid_path"), trick
        assert reply.problem["request_id"] == reply.headers["x-request-id"]
    assert asked(edge) == before
    assert edge.get(f"{path}?{query}").cache == "MISS"


def test_paths_of_the_vectors(edge: Running) -> None:
    for case in json.loads((REPOSITORY / "tests/vectors/paths.json").read_text()):
        path = case["path"].replace("/v1/priv/", "/v1/pub/").encode().decode("latin-1")
        reply = edge.raw(line(path))
        if "status" not in case:
            assert reply.status == 200, path
            assert edge.origin.asked(case["canonical_path"].replace("/v1/priv/", "/v1/pub/")) != []
        elif path.startswith("/v1/PUB/"):
            assert edge.origin.requests[-1][1] == path  # not a delivery path here; the origin says what it is
        else:
            assert reply.code == {400: "invalid_path", 414: "path_too_long"}[case["status"]], path


def test_operations_that_are_none(edge: Running) -> None:
    reply = edge.get(public("w_0-zoom_2.jpg"))
    assert (reply.status, reply.code, reply.problem["field"]) == (400, "invalid_operation", "operations")
    assert "w_0" in reply.problem["detail"]
    assert "8192" in reply.problem["detail"]


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/pub/a b HTTP/1.1\r\nHost: img.example.com\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/pub/\x00 HTTP/1.1\r\nHost: img.example.com\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/pub/a HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/pub/a HTTP/1.1\r\nHost: img.example.com\r\nHost: localhost\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/pub/a HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/pub/%zz HTTP/1.1\r\nHost: img.example.com\r\n\r\n", 400, "bad_request"),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: img.example.com\r\n\r\n", 400, "bad_request"),
        (b"GET v1/pub/a HTTP/1.1\r\nHost: img.example.com\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/pub/a HTTP/9.9\r\nHost: img.example.com\r\n\r\n", 400, "bad_request"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: img.example.com\r\n\r\n", 414, "path_too_long"),
        (b"GET / HTTP/1.1\r\nHost: img.example.com\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 400, "bad_request"),
        (
            (
                b"GET /v1/pub/a HTTP/1.1\r\nHost: img.example.com\r\n"
                b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            400,
            "bad_request",
        ),
        (
            b"POST /v1/x HTTP/1.1\r\nHost: img.example.com\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            400,
            "bad_request",
        ),
        (b"POST /v1/x HTTP/1.1\r\nHost: img.example.com\r\nTransfer-Encoding: gzip\r\n\r\nhello", 400, "bad_request"),
        (b"CONNECT img.example.com:443 HTTP/1.1\r\nHost: img.example.com\r\n\r\n", 400, "bad_request"),
        (b"TRACE /v1/pub/a HTTP/1.1\r\nHost: img.example.com\r\n\r\n", 405, "method_not_allowed"),
        (b"GET / HTTP/1.1\r\nHost: img.example.com\r\nContent-Length: 9999999999\r\n\r\n", 413, "upload_too_large"),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else str(value),
)
def test_what_nginx_itself_refuses(edge: Running, request_bytes: bytes, status: int, code: str) -> None:
    before = asked(edge)
    reply = edge.raw(request_bytes)
    assert (reply.status, reply.code) == (status, code)
    assert reply.headers["cache-control"] == "no-store"
    assert b"nginx" not in reply.body
    assert asked(edge) == before


@pytest.mark.parametrize(
    "host", ["evil.example.com", "", "127.0.0.1", "img.example.com.evil", "evil@img.example.com", "[::1]", "_"]
)
def test_other_hosts(edge: Running, host: str) -> None:
    target = public(asset=another())
    reply = edge.raw(line(target, "X-Forwarded-Host: img.example.com", host=host))
    assert reply.code in ("unknown_host", "bad_request")
    assert reply.status == (421 if reply.code == "unknown_host" else 400)
    assert edge.origin.asked(target) == []


def test_a_health_check_needs_no_host(edge: Running) -> None:
    assert edge.get("/edge/livez", host="10.0.0.7").body == b"ok\n"


def test_absolute_form(edge: Running) -> None:
    """Proxies are asked so. Refused whatever it names, cached or not, and nothing comes of it."""
    targets = public(asset=another()), sign(private(asset=another())), "/v1/assets", "/livez", "/elsewhere"
    for target in targets:
        edge.get(target)
        before = asked(edge)
        for host in (HOST, "evil.example.com"):
            assert edge.raw(line(f"http://{HOST}{target}", host=host)).code == "invalid_path", target
        assert edge.raw(line(f"HTTP://{HOST.upper()}:80{target}")).code == "invalid_path", target
        assert asked(edge) == before
    assert edge.raw(line(f"http://evil.example.com{targets[0]}")).code == "unknown_host"


def test_headers_change_nothing(edge: Running) -> None:
    """Whatever else is sent, the next plain request gets the same bytes and headers from the same entry."""
    asset = another()
    target = public(asset=asset)
    headers = [
        "X-Original-URL: /v1/pub/evil",
        "X-Rewrite-URL: /v1/pub/evil",
        "X-Accel-Redirect: /_cold",
        "X-Accel-Expires: 0",
        "X-Forwarded-Host: evil.example.com",
        "X-Forwarded-Proto: evil",
        "Forwarded: host=evil",
        "X-Mezzotint-Uri: /v1/pub/evil",
        "X_Mezzotint_Uri: /v1/pub/evil",
        "X-Mezzotint-Request: evil",
        "X-HTTP-Method-Override: DELETE",
        "Cache-Control: no-cache, no-store",
        "Pragma: no-cache",
        "Connection: close, X-Request-Id",
        "Range: bytes=0-0",
        "Accept-Encoding: gzip",
        "Upgrade: h2c",
    ]
    first = edge.raw(line(target, *headers))
    plain = edge.get(target)
    assert (first.status, plain.status, plain.cache) == (206, 200, "HIT")
    assert plain.body == f"picture {public('fmt_jpg-w_100-q_85.jpg', asset)} ".encode()
    assert "evil" not in str(edge.origin.requests[-1])
    assert first.headers["x-request-id"] != "evil"


@pytest.mark.parametrize(
    "where",
    [
        "/_cold",
        "/_refused",
        "/_cold?sig=x",
        "/nginx.conf",
        "/",
        "/_problem",
        "/status",
        "/v1",
        "/v1/pub",
        "/v1/priv",
        "/v3/x",
    ],
)
def test_nothing_else_is_served(edge: Running, where: str) -> None:
    before = asked(edge)
    reply = edge.get(where)
    assert reply.code in ("invalid_path", "not_found")
    assert asked(edge) == before


def test_smuggled_requests_stay_bodies(edge: Running) -> None:
    """A body that looks like a request is a body: one answer, and the connection's next request is its own."""
    asset = another()
    smuggled = line(public(asset=asset))
    with socket.create_connection(("127.0.0.1", edge.port), timeout=PATIENCE) as connection:
        chunk = f"{len(smuggled):x}{CRLF}".encode() + smuggled + f"{CRLF}0{CRLF}{CRLF}".encode()
        connection.sendall(line("/v1/assets", "Transfer-Encoding: chunked", "Connection: close", method="POST") + chunk)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert edge.origin.asked(public("fmt_jpg-w_100-q_85.jpg", asset)) == []


def test_the_log_holds_json_whatever_was_sent(edge: Running) -> None:
    marker = another()
    targets = (f'/{marker}"\\', f"/{marker}\xe9\xff", f"/{marker}%00", f"/{marker}\x7f?sig=secret")
    replies = [edge.raw(line(target, 'User-Agent: "', host=HOST)) for target in targets]
    replies.append(edge.get(f"/v1/api-keys/{marker}/mzk_01JBXYZ7N8Q4W2V6M3K5T9R0AE.secret"))
    replies.append(edge.raw(b"\xff\xfe\r\n\r\n"))
    names = {reply.headers["x-request-id"] for reply in replies}
    lines = eventually(
        lambda: len(lines := [line for line in edge.log() if line["request_id"] in names]) == len(replies) and lines,
        "they are logged",
    )
    assert sum(marker in line["path"] for line in lines) == 3  # what can't be read has no path
    assert "secret" not in str(lines)


def look_ups(control: Control) -> int:
    """How many signing keys Redis was asked for."""
    return int(control.redis.info("commandstats").get("cmdstat_hget", {}).get("calls", 0))


def test_a_flood_of_unknown_kids_is_limited(edge: Running, control: Control) -> None:
    """Each could cost a look-up in Redis; good keys go on working meanwhile."""
    target = sign(private(asset=another()))
    assert edge.get(target).status == 200

    def limited() -> bool:
        """Unless the machine stands still meanwhile: then more may be looked up again, or Redis is not heard."""
        before = look_ups(control)
        codes = [edge.get(sign(private(), kid=f"ghost{another()}")).code for _ in range(150)]
        looked_up = look_ups(control) - before
        return set(codes) == {"signature_invalid", "rate_limited"} and looked_up == codes.count("signature_invalid")

    eventually(limited, "each that is not refused is looked up")
    refused = eventually(
        lambda: (
            ((reply := edge.get(sign(private(), kid="ghost"))).status == 429 and reply)
            or ([edge.get(sign(private(), kid=f"more{number}")) for number in range(30)] and None)
        ),
        "the limit holds",
    )
    assert refused.headers["retry-after"] == "1"
    assert edge.get(target).cache == "HIT"


def test_one_unknown_kid_is_looked_up_once(edge: Running, control: Control) -> None:
    def once() -> bool:
        """Unless the machine stands still for the two seconds that it is remembered."""
        before, target = look_ups(control), sign(private(), kid=f"phantom{another()}")
        codes = [edge.get(target, client="127.0.0.72").code for _ in range(5)]  # no other test's limit is in the way
        return codes == ["signature_invalid"] * 5 and look_ups(control) - before == 1

    eventually(lambda: edge.status()["following"] and once(), "one look-up for all")


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5, 5",),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
        ("Content-Length: 0x5",),
        ("Content-Length : 5",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: identity, chunked",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding:\x0bchunked",),
        ("Transfer-Encoding : chunked",),
        (" Transfer-Encoding: chunked",),
    ],
)
def test_a_body_of_two_lengths(edge: Running, headers: tuple[str, ...]) -> None:
    """What two servers could measure differently: refused, or read to its end; what follows it is never a request."""
    asset = another()
    smuggled = line(public(asset=asset))
    with socket.create_connection(("127.0.0.1", edge.port), timeout=PATIENCE) as connection:
        connection.sendall(line("/v1/assets", *headers, "Connection: close", method="POST") + b"0\r\n\r\n" + smuggled)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert edge.origin.asked(public("fmt_jpg-w_100-q_85.jpg", asset)) == []


@pytest.mark.parametrize("chunk", ["-1", "0x1", "1;" + "a" * 70_000, "ffffffffffffffff1", "", " 1", "g"])
def test_chunks_of_strange_lengths(edge: Running, chunk: str) -> None:
    before = len(edge.origin.asked("/v1/assets"))
    with socket.create_connection(("127.0.0.1", edge.port), timeout=PATIENCE) as connection:
        start = line("/v1/assets", "Transfer-Encoding: chunked", "Connection: close", method="POST")
        connection.sendall(start + f"{chunk}\r\nx\r\n0\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b" 200 " not in answer[:20] or len(edge.origin.asked("/v1/assets")) == before + 1
