"""What passes through to the control plane."""

import socket
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import pytest

from mezzotint.model.errors import InvalidOperation
from mezzotint.web.errors import problem
from tests.edge.running import HOST, PATIENCE, Answer, Running, another, eventually, picture, public, running
from tests.edge.test_hostile import line


def test_requests_pass_as_they_came(edge: Running) -> None:
    body = bytes(range(256)) * 8000
    reply = edge.get(
        "/v1/assets?limit=2&tag=a%2Fb", method="POST", body=body, authorization="Bearer x", x_api_key="k", cookie="a=b"
    )
    assert reply.status == 200
    method, path, headers = edge.origin.requests[-1]
    assert (method, path) == ("POST", "/v1/assets?limit=2&tag=a%2Fb")
    assert headers["Content-Length"] == str(len(body))
    assert (headers["Authorization"], headers["X-Api-Key"], headers["Host"]) == ("Bearer x", "k", HOST)
    assert headers["X-Request-Id"] == reply.headers["x-request-id"]
    assert "x-cache" not in reply.headers


def test_each_answer_has_one_name(edge: Running) -> None:
    def names(target: str, **options: Any) -> list[str]:
        return [value for name, value in edge.get(target, **options).all_headers if name == "x-request-id"]

    for target in ("/v1/assets", "/v1/sign", "/livez", "/v1/%20", "/v1", "/elsewhere"):
        assert len(names(target)) == 1, target
    edge.origin.answer = lambda *_: Answer(403, b"{}", {"X-Request-Id": "the-origin's-own"})
    assert len(names("/v1/assets", method="POST", body=b"x")) == 1
    edge.origin.answer = picture
    edge.origin.stop()
    assert len(names("/v1/assets", method="POST", body=b"x")) == 1
    edge.origin.start()


def test_what_only_the_edge_may_say(edge: Running) -> None:
    names = ("Path", "Host", "Sig", "Exp", "Kid", "Accept", "Anything")
    edge.get(
        "/v1/assets",
        headers={f"X-Mezzotint-{name}": "evil" for name in names},
        x_accel_redirect="evil",
        x_forwarded_for="evil",
        x_forwarded_host="evil",
        x_original_url="evil",
        x_rewrite_url="evil",
        x_request_id="evil",
        forwarded="host=evil",
    )
    headers = edge.origin.requests[-1][2]
    assert "evil" not in str(headers)
    assert not [name for name in headers if name.startswith("X-Mezzotint")]


@pytest.mark.parametrize("path", ["/v1/assets", public().replace("/website/", "/heard/")])
def test_what_only_the_edge_hears(edge: Running, path: str) -> None:
    said = {f"X-Mezzotint-{name}": "1" for name in ("Variant", "Full", "Made")}
    edge.origin.answer = lambda *_: Answer(503, b"{}", said)
    reply = edge.get(path)
    edge.origin.answer = picture
    assert not [name for name in reply.headers if name.startswith("x-mezzotint")]


def test_nothing_is_kept(edge: Running) -> None:
    before = len(edge.origin.requests)
    for _ in range(3):
        assert edge.get("/v1/assets").status == 200
        assert edge.get("/readyz").status == 200
        assert edge.get("/livez", method="HEAD").status == 200
    assert len(edge.origin.requests) - before == 9


@pytest.mark.parametrize(
    "path", ["/v1/../v1/assets", "/v1//assets", "/v1/./assets", "/v1/%61ssets", "/v1/assets/..", "/v1/a\\b", "/v1/\xe9"]
)
def test_paths_that_say_two_things(edge: Running, path: str) -> None:
    before = len(edge.origin.requests)
    assert edge.raw(line(path)).code == "invalid_path"
    assert len(edge.origin.requests) == before


def ask(edge: Running, client: str, path: str = "/v1/organizations", method: str = "GET") -> tuple[int, str | None]:
    """Status and Retry-After of a request that comes from another address of this machine."""
    with closing(HTTPConnection("127.0.0.1", edge.port, timeout=PATIENCE, source_address=(client, 0))) as connection:
        connection.request(method, path, headers={"Host": HOST, "X-Api-Key": "mzk_wrong"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["Retry-After"]


def test_who_guesses_api_keys_waits_and_nobody_else(edge: Running) -> None:
    edge.origin.answer = lambda *_: Answer(401)
    statuses = [ask(edge, "127.0.0.66")[0] for _ in range(60)]
    edge.origin.answer = picture
    assert statuses == [401] * 50 + [429] * 10
    before = len(edge.origin.requests)
    status, seconds = ask(edge, "127.0.0.66")
    assert (status, len(edge.origin.requests)) == (429, before)
    assert 0 < int(seconds or 0) <= 60
    assert ask(edge, "127.0.0.67")[0] == 200
    assert ask(edge, "127.0.0.66", "/livez")[0] == 200
    assert ask(edge, "127.0.0.66", public())[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
def test_who_may_not_upload_hears_so_before_his_file_is_read(edge: Running, method: str) -> None:
    document = b'{"code": "unauthorized", "status": 401, "type": "urn:mezzotint:problem:unauthorized"}'
    told = {"Content-Type": "application/problem+json", "WWW-Authenticate": "Bearer", "Retry-After": "7"}
    edge.origin.answer = lambda *_: Answer(401, document, told)
    before = len(edge.origin.requests)
    for length in (("Content-Length: 500000000",), ("Transfer-Encoding: chunked", "Expect: 100-continue")):
        reply = edge.raw(line("/v1/assets", "X-API-Key: mzk_some", *length, method=method))
        assert (reply.status, reply.code) == (401, "unauthorized")
        assert {name: reply.headers[name.lower()] for name in told} == told
    edge.origin.answer = picture
    asked = edge.origin.requests[before:]
    assert [(method, path) for method, path, _ in asked] == [("GET", "/v1/caller?scope=assets%3Awrite")] * 2
    for _, _, headers in asked:
        assert headers["X-Api-Key"] == "mzk_some"
        assert not {"Content-Length", "Transfer-Encoding", "Expect"} & set(headers)


@pytest.mark.parametrize("allowed", [True, False])
def test_only_who_may_upload_is_told_to_go_on(edge: Running, *, allowed: bool) -> None:
    edge.origin.answer = lambda *_: Answer(200 if allowed else 401)
    request = line("/v1/assets", "Content-Length: 5", "Expect: 100-continue", "Connection: close", method="POST")
    with socket.create_connection(("127.0.0.1", edge.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        heard = connection.recv(1 << 16)
        if allowed:
            assert heard.startswith(b"HTTP/1.1 100 ")
            connection.sendall(b"12345")
            heard = connection.recv(1 << 16)
    edge.origin.answer = picture
    assert heard.startswith(b"HTTP/1.1 200 " if allowed else b"HTTP/1.1 401 ")


@pytest.mark.parametrize("status", [206, 302])
def test_what_is_no_answer_to_the_question_is_none_to_the_upload(edge: Running, status: int) -> None:
    edge.origin.answer = lambda *_: Answer(status, headers={"Location": "/elsewhere"})
    reply = edge.get("/v1/assets", method="POST", body=b"x")
    edge.origin.answer = picture
    assert (reply.status, reply.code) == (503, "unavailable")


@pytest.mark.parametrize("status", [401, 500, 503])
def test_a_refusal_that_breaks_off_says_that_the_origin_is_away(edge: Running, status: int) -> None:
    edge.origin.answer = lambda *_: Answer(status, b"a part", {"Content-Length": "1000", "Connection": "close"})
    reply = edge.get("/v1/assets", method="POST", body=b"x")
    edge.origin.answer = picture
    assert (reply.status, reply.code) == (503, "unavailable")


@pytest.mark.parametrize("path", ["/v1/assets", "/v1/sign", "/livez"])
def test_an_answer_leads_nobody_inside(edge: Running, path: str) -> None:
    edge.origin.answer = lambda *_: Answer(body=b"its own", headers={"X-Accel-Redirect": "/_refused"})
    reply = edge.get(path)
    edge.origin.answer = picture
    assert (reply.status, reply.body) == (200, b"its own")


def test_an_upload_hears_that_the_origin_is_away(edge: Running) -> None:
    edge.origin.stop()
    reply = edge.raw(line("/v1/assets", "X-API-Key: mzk_some", "Content-Length: 500000000", method="POST"))
    edge.origin.start()
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "unavailable", "1")
    eventually(lambda: edge.get("/v1/assets").status == 200, "the origin is back")


def test_who_guesses_api_keys_by_uploads_is_counted_once_a_guess(edge: Running) -> None:
    edge.origin.answer = lambda *_: Answer(401)
    statuses = [ask(edge, "127.0.0.71", "/v1/assets", "PUT")[0] for _ in range(60)]
    edge.origin.answer = picture
    assert statuses == [401] * 50 + [429] * 10


@pytest.mark.parametrize(
    "path", ["/v1/sign", "/v1/organizations", "/v1/presets", "/v1/assets/x", "/v1/assets/x/y/versions"]
)
def test_only_pictures_are_large(edge: Running, path: str) -> None:
    before = len(edge.origin.requests)
    assert edge.get(path, method="POST", body=bytes(1024**2 + 1)).code == "upload_too_large"
    assert len(edge.origin.requests) == before
    for upload in ("/v1/assets", "/v1/assets/x/versions"):
        assert edge.get(upload, method="POST", body=bytes(1024**2 + 1)).status == 200


def test_uploads_at_once_are_bounded_by_address(edge: Running) -> None:
    """Whoever has an API key may fill the edge's disk; hundreds at once from one place shall not."""
    begun: list[socket.socket] = []

    def full() -> bool:
        begun.append(
            socket.create_connection(("127.0.0.1", edge.port), timeout=PATIENCE, source_address=("127.0.0.68", 0))
        )
        begun[-1].sendall(line("/v1/assets", "Content-Length: 1000000", method="POST") + b"some of it")
        return ask(edge, "127.0.0.68", "/v1/assets")[0] == 429

    eventually(full, "the next one is refused")
    assert len(begun) >= 32
    assert ask(edge, "127.0.0.68")[0] == 200
    assert ask(edge, "127.0.0.69", "/v1/assets")[0] == 200
    for connection in begun:
        connection.close()
    eventually(lambda: ask(edge, "127.0.0.68", "/v1/assets")[0] == 200, "there is room again")


def test_the_edge_itself(edge: Running) -> None:
    assert edge.get("/edge/livez").body == b"ok\n"
    status = eventually(lambda: (status := edge.status())["following"] and status, "it hears Redis")
    assert status["ready"]
    assert status["grammar"] == edge.grammar["digest"]


def test_a_problem_is_told_in_the_origins_order(edge: Running) -> None:
    for path in ("/v1/pub/x", public("w_9999.jpg")):
        names = list(edge.get(path).problem)
        assert names == [name for name in problem(InvalidOperation("", field="operations"), "") if name in names]
        assert names[0] == "type"


def test_another_grammar_at_the_origin_is_noticed(edge: Running) -> None:
    def foreign(path: str, _: object) -> Answer:
        answer = picture(path, {})
        return replace(answer, headers={**answer.headers, "X-Mezzotint-Grammar": "another"})

    edge.origin.answer = foreign
    reply = edge.get(public(asset=another()))
    edge.origin.answer = picture
    assert "x-mezzotint-grammar" not in reply.headers
    eventually(lambda: "different grammars" in edge.errors(), "it is in the log")
    assert edge.status()["origin_grammar"] == "another"


def test_the_largest_upload(table: dict[str, Any], redis_url: str) -> None:
    with running(redis_url, table, upload_bytes=1000) as edge:
        assert edge.get("/v1/assets", method="POST", body=b"x" * 1000).status == 200
        reply = edge.get("/v1/assets", method="POST", body=b"x" * 1001)
        assert (reply.status, reply.code) == (413, "upload_too_large")
        assert [path for _, path, _ in edge.origin.requests] == ["/v1/caller?scope=assets%3Awrite", "/v1/assets"]
