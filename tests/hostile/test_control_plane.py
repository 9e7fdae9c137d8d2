"""What no client library would send to the control plane: each answer is a clear one, and the next request works."""

import itertools
import socket
from collections.abc import Callable

import pytest
import requests

from tests.hostile.conftest import Logs, is_problem
from tests.imaging.pictures import gradient
from tests.journeys.conftest import Home
from tests.servers.installation import Stack

BOUNDARY = b"a-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY.decode()}"
FILE = b'name="file"; filename="a.jpg"'
_numbers = itertools.count(100)


def field(name: str, value: str | bytes) -> tuple[bytes, bytes]:
    return f'name="{name}"'.encode(), value.encode() if isinstance(value, str) else value


def form(*parts: tuple[bytes, bytes], end: bytes = b"--" + BOUNDARY + b"--\r\n") -> bytes:
    lines = [b"--" + BOUNDARY + b"\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + data + b"\r\n"
             for head, data in parts]  # fmt: skip
    return b"".join(lines) + end


def fresh_picture() -> bytes:
    return bytes(gradient(next(_numbers), 20).jpegsave_buffer())


@pytest.fixture
def whereto(home: Home) -> list[tuple[bytes, bytes]]:
    return [field(name, value) for name, value in home.place.items()]


@pytest.fixture
def send(stack: Stack) -> Callable[..., requests.Response]:
    def of(method: str, path: str, data: bytes | None = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return stack.control.request(method, stack.base_url + path, data=data, headers=named)

    return of


def refused(answer: requests.Response, status: int, code: str, at: str | None = None) -> None:
    assert (answer.status_code, answer.json()["code"], answer.json().get("field")) == (status, code, at), answer.text
    assert is_problem(answer), answer.text


@pytest.mark.parametrize(
    ("more", "status", "code", "at"),
    [
        ([field(f"f{number}", "") for number in range(100_000)], 400, "bad_request", None),
        ([(b'name="' + b"x" * 300_000 + b'"', b"")], 400, "bad_request", None),
        ([(b'name="a"\r\n' + b"X-Header: y\r\n" * 30_000, b"")], 400, "bad_request", None),
        ([field("note", b"x" * 70_000)], 400, "bad_request", None),
        ([field("space", "again")], 422, "invalid_field", "space"),
        ([(b'name="file"; name="space"; filename="a.jpg"', b"x")], 422, "invalid_field", "space"),
        ([(b"name=\"file\"; filename*=UTF-8''%00%0a../../x.jpg", b"x")], 422, "invalid_field", "name"),
        ([(b'name="file"; filename="a\x00.jpg"', b"x")], 422, "invalid_field", "name"),
        ([(b'name="file"; filename="../.."', b"x")], 422, "invalid_field", "name"),
        ([field("tags", "a\0b")], 422, "invalid_field", "tags"),
        ([field("tags", b"\xed\xa0\x80")], 422, "invalid_field", "tags"),
        ([field("tags", ",".join(f"t{number}" for number in range(51)))], 422, "invalid_field", "tags"),
        ([field("folder", "a\u202egpj.exe")], 422, "invalid_field", "folder"),
        ([field("folder", "a/../../b")], 422, "invalid_field", "folder"),
        ([field("folder", "a" * 513)], 422, "invalid_field", "folder"),
        ([field("tenant\0", "x")], 422, "invalid_field", "tenant\0"),
        ([(FILE + b"\r\nContent-Transfer-Encoding: base64", b"AAAA")], 415, "unsupported_type", "file"),
        (
            [(FILE + b"\r\nContent-Type: multipart/mixed; boundary=in", b"--in\r\n\r\nx\r\n--in--")],
            415,
            "unsupported_type",
            "file",
        ),
    ],
    ids=lambda value: repr(value[0])[:40] if isinstance(value, list) else "",
)
def test_forms(send, whereto, home: Home, more, status, code, at):
    has_file = any(b"filename" in head for head, _ in more)
    body = form(*whereto, *more, *([] if has_file else [(FILE, fresh_picture())]))
    refused(send("POST", "/v1/assets", body, content_type=FORM), status, code, at)
    home.asset(seed=next(_numbers))


def test_nul_where_a_name_is_looked_up(send, home: Home):
    parts = [field(name, value + "\0") for name, value in home.place.items()]
    for part in parts:
        refused(
            send("POST", "/v1/assets", form(part, (FILE, fresh_picture())), content_type=FORM),
            422, "invalid_field", part[0].decode().split('"')[1],
        )  # fmt: skip
    for name in ("organization", "tenant", "space", "tag", "folder"):
        arguments = "&".join(f"{each}={value}" for each, value in (home.place | {name: "a%00"}).items())
        refused(send("GET", f"/v1/assets?{arguments}"), 422, "invalid_field", name)
    for name in ("organization", "tenant"):
        answer = home.post("/v1/signing-keys", home.owner | {name: "a\0"})
        refused(answer, 422, "invalid_field", name)


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="\\"',
        f"multipart/form-data; boundary={'a' * 5000}", "multipart/mixed; boundary=a-boundary",
        "text/plain; boundary=a-boundary", "multipart/form-data; boundary=another",
    ],
)  # fmt: skip
def test_types_that_are_no_form(send, whereto, kind):
    refused(send("POST", "/v1/assets", form(*whereto, (FILE, fresh_picture())), content_type=kind), 400, "bad_request")


def test_a_form_that_breaks_off_leaves_nothing(send, whereto, rows):
    count = "SELECT count(*) FROM asset_versions"
    before = rows(count)
    body = form(*whereto, (FILE, fresh_picture()), end=b"")
    for cut in (1, 5, 200, len(body) - 40):
        refused(send("POST", "/v1/assets", body[:-cut], content_type=FORM), 400, "bad_request")
    assert rows(count) == before


@pytest.mark.parametrize(
    ("body", "status", "code", "at"),
    [
        (b"[" * 100_000, 400, "bad_request", None),
        (b'{"a":' * 30_000, 400, "bad_request", None),
        (b"[" * 10_000_000, 413, "upload_too_large", None),
        (b'{"slug":"' + b"a" * 500_000 + b'"}', 413, "upload_too_large", None),
        (b'{"slug":' + b"9" * 5000 + b"}", 400, "bad_request", None),
        (b'{"slug":NaN}', 422, "invalid_field", "slug"),
        (b'{"slug":"a","name":1e999}', 422, "invalid_field", "name"),
        (b'{"slug":"a","name":"\\ud800"}', 400, "bad_request", None),
        (b'{"slug":"a","name":"\\u0000"}', 422, "invalid_field", "name"),
        ('{"slug":"a","name":"a\u202eb"}'.encode(), 422, "invalid_field", "name"),
        ('{"slug":"a","name":"a\u0085b"}'.encode(), 422, "invalid_field", "name"),
        ('{"slug":"a"}'.encode("utf-16"), 400, "bad_request", None),
        (b'\xef\xbb\xbf{"slug":"a"}', 400, "bad_request", None),
        (b"\x1f\x8b\x08\x00", 400, "bad_request", None),
        (b'{"slug":"a","__proto__":{}}', 422, "invalid_field", "__proto__"),
        (b'{"slug":"a\\n"}', 422, "invalid_field", "slug"),
        ('{"slug":"\u0430cme"}'.encode(), 422, "invalid_field", "slug"),
        ('{"slug":"\u212a"}'.encode(), 422, "invalid_field", "slug"),
        ('{"slug":"\uff41"}'.encode(), 422, "invalid_field", "slug"),
        ('{"slug":"\u0661"}'.encode(), 422, "invalid_field", "slug"),
        (b'{"slug":"xn--a-"}', 422, "invalid_field", "slug"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else "",
)
def test_bodies(send, body, status, code, at):
    refused(send("POST", "/v1/organizations", body, content_type="application/json"), status, code, at)


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("cursor=" + "A" * 4000, "cursor"), ("cursor=%00", "cursor"), ("cursor=../..", "cursor"),
        ("cursor=%C3%A9", "cursor"), ("limit=-1", "limit"), ("limit=1e3", "limit"), ("limit=%D9%A1", "limit"),
        ("limit=99999999999999999999", "limit"), ("limit", "limit"), ("limit=1&limit=1", "limit"),
        ("space[]=x", "space[]"), ("%00=x", "\0"),
    ],
)  # fmt: skip
def test_queries(send, home: Home, query, at):
    arguments = "&".join(f"{name}={value}" for name, value in home.place.items())
    refused(send("GET", f"/v1/assets?{arguments}&{query}"), 422, "invalid_field", at)


def test_a_forged_cursor_shows_nothing_else(home: Home, stack: Stack):
    home.asset(seed=next(_numbers))
    for cursor in ("AAAAAAAAAAAAAAAAAAAAAA", "_____________________w"):
        answer = stack.control.get(f"{stack.base_url}/v1/assets", params={**home.place, "cursor": cursor})
        assert answer.status_code == 200
        assert {item["space"] for item in answer.json()["items"]} <= {home.space}


@pytest.mark.parametrize(
    ("path", "body", "at"),
    [
        ("/v1/api-keys", {"name": "a", "scopes": ["sign"], "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ("/v1/api-keys", {"name": "a", "scopes": ["sign"], "expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ("/v1/api-keys", {"name": "a", "scopes": ["sign"], "expires_at": 1e300}, "expires_at"),
        ("/v1/api-keys", {"name": "a\0", "scopes": ["sign"]}, "name"),
        ("/v1/api-keys", {"name": "a", "scopes": ["sign\0"]}, "scopes"),
        ("/v1/presets", {"name": "a\0", "operations": "w_1"}, "name"),
        ("/v1/presets", {"name": "a", "operations": "w_1", "match_tags": ["x"] * 20_000}, None),
        ("/v1/presets", {"name": "a", "operations": "w_1", "match_tags": ["a\0"]}, "match_tags"),
    ],
)
def test_values(home: Home, path, body, at):
    answer = home.post(path, home.owner | body)
    if at is not None or answer.status_code >= 400:
        refused(answer, 422, "invalid_field", at or answer.json().get("field"))
    else:
        assert answer.json()["match_tags"] == ["x"]


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63, 10**30])
def test_numbers_without_measure(home: Home, number):
    asset = home.asset(seed=next(_numbers))
    for field_name, answer in {
        "lifetime": home.post(
            "/v1/sign", {"asset": asset["id"], "operations": "w_1", "ext": "jpg", "lifetime": number}
        ),
        "version": home.post("/v1/sign", {"asset": asset["id"], "operations": "w_1", "ext": "jpg", "version": number}),
    }.items():
        assert answer.status_code in (200, 404, 422), (field_name, answer.text)
        assert answer.ok or is_problem(answer)


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "CONNECT", "OPTIONS", "PUT", "BREW"])
def test_methods(send, method):
    answer = send(method, "/v1/organizations")
    assert answer.status_code in (400, 405)
    assert is_problem(answer)


@pytest.mark.parametrize(
    "path",
    ["/v1/assets/%00", "/v1/assets/x%2f..", "/v1/organizations/a%0d%0aX-Evil:1", "/v1//assets", "/v1/assets/..;/x",
     "/v1/assets/" + "a" * 3000, "/v1/assets/\u00e9"],
)  # fmt: skip
def test_paths(send, path):
    answer = send("GET", path)
    assert answer.status_code in (400, 404, 414)
    assert is_problem(answer)
    assert "X-Evil" not in answer.headers


def raw(stack: Stack, request: bytes) -> bytes:
    """What comes back at once, or before the connection closes."""
    with socket.create_connection(("127.0.0.1", int(stack.base_url.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall(request)
        return connection.recv(65_536)


def headers_of(stack: Stack, *more: str) -> bytes:
    lines = ["POST /v1/organizations HTTP/1.1", "Host: localhost", f"X-API-Key: {stack.control.headers['X-API-Key']}"]
    return "\r\n".join([*lines, *more, "", ""]).encode()


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Transfer-Encoding: chunked"], b"ZZ\r\nhello"),
        (["Transfer-Encoding: chunked"], b"-1\r\nhello"),
        (["Transfer-Encoding: chunked"], b"ffffffffffffffff\r\nhello"),
        (["Content-Length: -1"], b"{}"),
        (["Content-Length: 1e1"], b"{}"),
        (["Content-Length: 99999999999999999999999"], b"{}"),
        (["Content-Length: 3"], b'{"slug": "half"}'),
    ],
)
def test_lengths_that_lie(stack: Stack, lines, body):
    answer = raw(stack, headers_of(stack, *lines) + body)
    assert answer.split(b" ")[1] in (b"400", b"413"), answer
    assert b"application/problem+json" in answer


def test_slow_bodies_keep_nobody_waiting(stack: Stack, home: Home):
    """Each has begun and goes on a byte at a time; no worker of the origin hears of them before they end."""
    address = ("127.0.0.1", int(stack.base_url.rpartition(":")[2]))
    slow = [socket.create_connection(address, timeout=60) for _ in range(200)]
    for number, connection in enumerate(slow):
        chunked = number % 2 == 0
        connection.sendall(headers_of(stack, "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000"))
        connection.sendall(b"5\r\n{    \r\n" if chunked else b"{")
    asset = home.asset(seed=next(_numbers))
    assert requests.get(home.url(asset, "w_33.jpg")).status_code == 200
    for connection in slow:
        connection.sendall(b" ")
        connection.close()
    assert requests.get(f"{stack.base_url}/readyz").status_code == 200


def test_nothing_of_all_this_was_a_defect(logs: Logs):
    assert '"defect"' not in logs.text
    assert "Traceback" not in logs.text
