"""Public pictures: what is cached, under which key, and what the origin is asked."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.edge.running import (
    ASSET,
    HOST,
    PATIENCE,
    Answer,
    Control,
    Reply,
    Running,
    another,
    cached,
    eventually,
    picture,
    private,
    public,
    running,
    short_digest,
    sign,
)


@pytest.fixture(autouse=True)
def ordinary_origin(edge: Running) -> Iterator[None]:
    yield
    edge.origin.answer = picture
    if edge.origin.server is None:
        edge.origin.start()


def test_the_second_request_is_a_hit(edge: Running) -> None:
    asset = another()
    first, second = edge.get(public(asset=asset)), edge.get(public(asset=asset))
    assert (first.status, first.cache, second.status, second.cache) == (200, "MISS", 200, "HIT")
    assert first.body == second.body


def test_a_hit_needs_no_origin(edge: Running) -> None:
    asset = another()
    edge.get(public(asset=asset))
    edge.origin.stop()
    assert edge.get(public(asset=asset)).cache == "HIT"


def test_every_spelling_is_one_entry(edge: Running) -> None:
    asset = another()
    for spelling in ("h_20-w_10.jpg", "w_10-h_20.jpeg", "w_010.9-h_20-f_cover-q_85.jpg", "w_5-h_10-dpr_2.jpg"):
        assert edge.get(public(spelling, asset) + "?utm=1&v=2").status == 200
        assert edge.get(public(spelling, asset.lower())).status == 200
    assert len(edge.origin.asked(public("fmt_jpg-w_10-h_20-f_cover-q_85.jpg", asset))) == 1
    assert sum(asset in key for key in edge.entries()) == 1


def test_the_key_is_the_contract_s(edge: Running) -> None:
    asset = another()
    edge.get(public("fmt_auto-w_10.png", asset), accept="image/webp")
    edge.get(public("preset_card.jpg", asset))
    keys = sorted(key for key in edge.entries() if asset in key)
    expected = (
        f"{public('fmt_auto-w_10.png', asset)}|webp|1.1.0.0.0.",
        f"{public('preset_card-fmt_jpg.jpg', asset)}||1.1.0.0.0.0",
    )
    assert keys == sorted(f"{asset}.{short_digest(text)}" for text in expected)


def test_what_the_origin_is_told(edge: Running) -> None:
    asset = another()
    sent = public("w_10-fmt_auto.webp", asset)
    reply = edge.get(
        sent + "?utm=1",
        accept="image/avif, */*",
        cookie="a=b",
        authorization="Bearer x",
        user_agent="curl",
        x_forwarded_for="6.6.6.6",
        x_mezzotint_path="/v1/pub/evil",
        x_mezzotint_sig="evil",
        x_mezzotint_host="evil",
        x_mezzotint_uri="/v1/pub/evil",
        x_mezzotint_request="evil",
        x_request_id="evil",
        x_forwarded_host="evil",
        if_none_match='"x"',
        range="bytes=0-1",
    )
    [told] = edge.origin.asked(public("fmt_auto-w_10.jpg", asset))
    assert told == {
        "Host": "img.example.com",
        "X-Request-Id": reply.headers["x-request-id"],
        "X-Forwarded-For": "127.0.0.1",
        "X-Mezzotint-Path": sent,
        "X-Mezzotint-Host": "img.example.com",
        "X-Mezzotint-Accept": "avif",
    }


def test_what_the_client_is_told(edge: Running) -> None:
    asset = another()
    miss, hit = edge.get(public(asset=asset)), edge.get(public(asset=asset))
    for reply in (miss, hit):
        names = [name for name, _ in reply.all_headers]
        assert len(names) == len(set(names)), names
        assert not [name for name in names if name.startswith(("x-mezzotint", "x-accel", "set-cookie", "vary"))]
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert reply.headers["content-disposition"] == 'inline; filename="cat.jpg"'
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["accept-ranges"] == "bytes"
        assert reply.headers["etag"] == miss.headers["etag"]
    assert hit.headers["server-timing"] == "cache;desc=HIT"
    assert miss.headers["x-request-id"] != hit.headers["x-request-id"]


@pytest.mark.parametrize("seconds", [0.0, 0.03, 1.05])
def test_how_long_the_origin_was_waited_for(edge: Running, seconds: float) -> None:
    edge.origin.answer = lambda path, headers: replace(picture(path, headers), wait=seconds)
    told = edge.get(public(asset=another())).headers["server-timing"]
    milliseconds = told.removeprefix("cache;desc=MISS, origin;dur=")
    assert int(milliseconds) >= seconds * 1000
    assert milliseconds == str(int(milliseconds))


@pytest.mark.parametrize(
    ("path", "order"),
    [
        (public, ["x-accel-expires", "cache-control"]),
        (private, ["x-accel-expires"]),
        (partial(public, "preset_card.jpg"), ["cache-control", "x-accel-expires"]),
    ],
    ids=["public", "private", "preset"],
)
def test_an_entry_holds_what_a_hit_needs(edge: Running, path: Callable[..., str], order: list[str]) -> None:
    """Each header in it is read at every hit; of the two that say how long, nginx 1.22 may pass over a later one."""
    asset = another()
    swr = {"Cache-Control": "public, max-age=3600, stale-while-revalidate=86400"}
    edge.origin.answer = lambda path, headers: with_headers(picture(path, headers), **swr if "preset" in path else {})
    target = path(asset=asset)
    edge.get(sign(target) if path is private else target)
    [entry] = [head for head in edge.heads() if asset in head]
    names = [line.partition(":")[0].lower() for line in entry.split("\r\n")[1:]]
    assert [name for name in names if name in order or name == "cache-control"] == order
    needed = {"content-type", "content-length", "etag", "last-modified", "content-disposition", "x-mezzotint-variant"}
    assert set(names) == {*needed, *order, "connection"}


def test_only_auto_looks_at_accept(edge: Running) -> None:
    asset = another()
    spellings = {
        "avif": ("image/avif,image/webp,*/*;q=0.8", "image/webp, image/avif;q=0.1", "IMAGE/AVIF"),
        "webp": ("image/webp,*/*", "image/avif;q=0,image/webp"),
        "": ("*/*", "image/*", "image/png"),
    }
    for name, headers in spellings.items():
        for header in headers:
            reply = edge.get(public("f_auto.jpg", asset), accept=header)
            assert reply.body.decode() == f"picture {public('fmt_auto.jpg', asset)} {name or 'base'}"
            assert reply.headers["vary"] == "Accept"
            assert "vary" not in edge.get(public("w_5.jpg", asset), accept=header).headers
    assert edge.get(public("f_auto.jpg", asset)).cache == "HIT"
    assert len(edge.origin.asked(public("fmt_auto.jpg", asset))) == 3
    assert len(edge.origin.asked(public("fmt_jpg-w_5-q_85.jpg", asset))) == 1


@pytest.mark.parametrize("warm", [True, False])
def test_ranges(edge: Running, warm: bool) -> None:
    whole = picture(public("fmt_jpg-w_100-q_85.jpg", ASSET), {}).body
    for sent, status, expected in (
        ("bytes=0-3", 206, whole[:4]),
        ("bytes=-5", 206, whole[-5:]),
        ("bytes=8-", 206, whole[8:]),
        ("bytes=0-0", 206, whole[:1]),
    ):
        asset = another()
        if warm:
            edge.get(public(asset=asset))
        reply = edge.get(public(asset=asset), range=sent)
        assert (reply.status, reply.body) == (status, expected.replace(ASSET.encode(), asset.encode()))
        assert reply.headers["content-range"].endswith(f"/{len(whole)}")
        assert edge.get(public(asset=asset)).body == whole.replace(ASSET.encode(), asset.encode())
        assert len(edge.origin.asked(public("fmt_jpg-w_100-q_85.jpg", asset))) == 1


def test_a_range_past_the_end(edge: Running) -> None:
    asset = another()
    edge.get(public(asset=asset))
    reply = edge.get(public(asset=asset), range="bytes=999999-")
    assert reply.status == 416
    assert reply.headers["content-range"] == f"bytes */{len(edge.get(public(asset=asset)).body)}"
    assert reply.code == "range_not_satisfiable"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(
    "condition", [{"If-Match": '"another"'}, {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}]
)
def test_a_condition_that_is_not_met(edge: Running, condition: dict[str, str], warm: bool) -> None:
    target = public(asset=another())
    if warm:
        edge.get(target)
    reply = edge.get(target, headers=condition)
    assert (reply.status, reply.code) == (412, "precondition_failed")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert edge.get(target).status == 200


@pytest.mark.parametrize("warm", [True, False])
def test_conditional_requests(edge: Running, warm: bool) -> None:
    etag = edge.get(public(asset=(asset := another()))).headers["etag"]
    for header, value in (
        ("If-None-Match", "{etag}"),
        ("If-None-Match", "W/{etag}"),
        ("If-Modified-Since", "Fri, 03 Jan 2025 00:00:00 GMT"),
    ):
        if not warm:
            etag = picture(public("fmt_jpg-w_100-q_85.jpg", asset := another()), {}).headers["ETag"]
        reply = edge.get(public(asset=asset), headers={header: value.format(etag=etag)})
        assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", etag)
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert edge.get(public(asset=asset), if_none_match='"another"').status == 200


def test_head_first_then_get(edge: Running) -> None:
    asset = another()
    head = edge.get(public(asset=asset), method="HEAD")
    got = edge.get(public(asset=asset))
    assert (head.status, head.body, head.cache) == (200, b"", "MISS")
    assert got.cache == "HIT"
    assert head.headers["content-length"] == str(len(got.body))
    assert [method for method, path, _ in edge.origin.requests if asset in path] == ["GET"]


def test_a_download(edge: Running) -> None:
    asset = another()
    plain = edge.get(public(asset=asset))
    for argument, expected in {
        "a.jpg": 'attachment; filename="a.jpg"',
        "my%20cat.jpg": 'attachment; filename="my cat.jpg"',
        "..%2F..%2Fetc%22%0d%0aX:y": 'attachment; filename=".._.._etc___X:y"',
        "": "attachment",
    }.items():
        reply = edge.get(public(asset=asset) + f"?download={argument}")
        assert (reply.cache, reply.body) == ("HIT", plain.body)
        assert reply.headers["content-disposition"] == expected
        assert reply.headers["cache-control"] == plain.headers["cache-control"]
    assert edge.get(public(asset=asset)).headers["content-disposition"] == plain.headers["content-disposition"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
def test_pictures_are_only_read(edge: Running, method: str) -> None:
    asset = another()
    edge.get(public(asset=asset))
    for target in (public(asset=asset), sign(private(asset=asset))):
        reply = edge.get(target, method=method, body=b"x" * 100)
        assert (reply.status, reply.code, reply.headers["allow"]) == (405, "method_not_allowed", "GET, HEAD")


def test_one_new_picture_for_many_at_once(edge: Running) -> None:
    edge.origin.answer = lambda path, headers: replace(picture(path, headers), wait=0.03)

    def one_question() -> bool:
        asset = another()
        with ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(lambda _: edge.get(public(asset=asset)), range(12)))
        assert {reply.status for reply in replies} == {200}
        return len(edge.origin.asked(public("fmt_jpg-w_100-q_85.jpg", asset))) == 1

    # They wait for each other 100 ms, which a machine that stalls may outlast.
    assert any(one_question() for _ in range(10))


def with_headers(answer: Answer, **headers: str) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})


def expiring(answer: Answer, **headers: str) -> Answer:
    return with_headers(answer, **{"X-Accel-Expires": "1", **headers})


def expire(edge: Running, path: str) -> None:
    """Wait until what was cached for a second is no longer fresh; asking tells, so there is no origin meanwhile."""
    edge.origin.stop()
    eventually(lambda: edge.get(path).cache == "STALE", "the entry expires")


def test_stale_while_the_origin_is_away(edge: Running) -> None:
    asset = another()
    edge.origin.answer = lambda path, headers: expiring(picture(path, headers))
    first = edge.get(public(asset=asset))
    expire(edge, public(asset=asset))
    stale = edge.get(public(asset=asset))
    assert (stale.status, stale.cache, stale.body) == (200, "STALE", first.body)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_stale_while_the_origin_fails(edge: Running, status: int) -> None:
    asset = another()
    edge.origin.answer = lambda path, headers: expiring(picture(path, headers))
    edge.get(public(asset=asset))
    expire(edge, public(asset=asset))
    edge.origin.start()
    edge.origin.answer = lambda *_: Answer(status, b"{}", {"X-Accel-Expires": "0"})
    assert edge.get(public(asset=asset)).cache == "STALE"
    edge.origin.answer = picture
    eventually(lambda: edge.get(public(asset=asset)).cache == "HIT", "the picture is fresh again")


def test_stale_while_a_preset_s_picture_is_made_anew(edge: Running) -> None:
    asset, path = (asset := another()), public("preset_card.jpg", asset)
    swr = {"Cache-Control": "public, max-age=3600, stale-while-revalidate=86400"}
    made = threading.Event()

    def slow(*_: object) -> Answer:
        made.wait(PATIENCE)
        return Answer(body=b"new", headers={"X-Accel-Expires": "60", **swr})

    edge.origin.answer = lambda path, headers: expiring(picture(path, headers), **swr)
    first = edge.get(path)
    expire(edge, path)
    edge.origin.answer = slow
    edge.origin.start()
    # UPDATING: another request than this one has it made.
    for stale in (edge.get(path), edge.get(path)):
        assert (stale.body, stale.cache) in [(first.body, "STALE"), (first.body, "UPDATING")]
    made.set()
    assert eventually(lambda: (reply := edge.get(path)).cache == "HIT" and reply.body, "the new one came") == b"new"


def test_an_unchanged_picture_is_confirmed_not_sent_again(edge: Running) -> None:
    asset = another()
    edge.origin.answer = lambda path, headers: expiring(picture(path, headers))
    first = edge.get(public(asset=asset))
    expire(edge, public(asset=asset))
    edge.origin.start()
    edge.origin.answer = picture
    reply = edge.get(public(asset=asset))
    assert (reply.cache, reply.body) == ("REVALIDATED", first.body)
    assert edge.origin.asked(public("fmt_jpg-w_100-q_85.jpg", asset))[-1]["If-None-Match"] == first.headers["etag"]
    assert edge.get(public(asset=asset)).cache == "HIT"


def test_a_404_is_kept_briefly_and_never_served_stale(edge: Running) -> None:
    asset = another()
    gone = {"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Accel-Expires": "2"}
    edge.origin.answer = lambda *_: Answer(404, b'{"code":"not_found"}', gone)
    first = edge.get(public(asset=asset))
    second = eventually(lambda: (reply := edge.get(public(asset=asset))).cache == "HIT" and reply, "it is kept")
    assert (first.status, first.cache, second.status) == (404, "MISS", 404)
    assert first.headers["cache-control"] == "public, max-age=2"
    edge.origin.answer = picture
    # The first request that no longer gets it from the cache must already see the picture.
    reply = eventually(lambda: (reply := edge.get(public(asset=asset))).cache != "HIT" and reply, "it expires")
    assert (reply.status, reply.cache) == (200, "EXPIRED")


@pytest.mark.parametrize("status", [400, 401, 403, 500, 503])
def test_other_errors_pass_and_are_not_kept(edge: Running, status: int) -> None:
    asset = another()
    body = b'{"code":"overloaded"}'
    headers = {"Content-Type": "application/problem+json", "Retry-After": "7", "X-Accel-Expires": "0"}
    edge.origin.answer = lambda *_: Answer(status, body, headers)
    reply = edge.get(public(asset=asset))
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (status, body, "7")
    assert reply.headers["cache-control"] == "no-store"
    edge.origin.answer = picture
    assert edge.get(public(asset=asset)).cache == "MISS"


def test_an_answer_without_a_lifetime_is_not_kept(edge: Running) -> None:
    asset = another()
    edge.origin.answer = lambda *_: Answer(headers={"Cache-Control": "no-store"})
    assert [edge.get(public(asset=asset)).cache for _ in range(2)] == ["MISS", "MISS"]


def test_an_origin_that_is_away(edge: Running) -> None:
    edge.origin.stop()
    for target in (public(asset=another()), sign(private(asset=another())), "/v1/assets", "/readyz"):
        reply = edge.get(target)
        assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "unavailable", "1")
        assert reply.headers["cache-control"] == "no-store"
        assert reply.problem["request_id"] == reply.headers["x-request-id"]
        assert reply.problem["detail"] == "the origin does not answer"


def test_an_origin_that_breaks_off(edge: Running) -> None:
    asset = another()

    def half(*_: object) -> Answer:
        return Answer(body=b"half", headers={"Content-Length": "4000", "X-Accel-Expires": "60", "Connection": "close"})

    edge.origin.answer = half
    with pytest.raises(Exception, match=r"IncompleteRead|Remote end closed|reset"):
        assert len(edge.get(public(asset=asset)).body) == 4000
    edge.origin.answer = picture
    reply = edge.get(public(asset=asset))
    assert (reply.cache, reply.status) == ("MISS", 200)


def test_raised_generations_reach_every_scope(edge: Running, control: Control) -> None:
    asset = another()
    paths = [public(asset=asset), public("preset_card.jpg", asset)]
    presets = ["p:acme/card", "p:acme/website/card", "p:acme/website/marketing/card"]
    scopes = ["*", "o:acme", "t:acme/website", "s:acme/website/marketing", f"a:{asset}"]
    for scope in scopes + presets:
        for path in paths:
            eventually(partial(cached, edge, path), "it is cached")
        control.raise_generation(scope)
        eventually(lambda: edge.get(paths[1]).cache == "MISS", f"{scope} raised: a miss")
        assert edge.get(paths[0]).cache == ("HIT" if scope in presets else "MISS")


def test_misses_are_limited_by_tenant_and_hits_are_free(
    table: dict[str, Any], redis_url: str, control: Control
) -> None:
    with running(redis_url, table, misses_per_second=1) as edge:
        eventually(lambda: edge.status().get("epoch") == control.epoch, "the edge has read the publications")
        warm = public(asset=another())
        assert edge.get(warm).status == 200
        replies = [edge.get(public(asset=another())) for _ in range(10)]
        refused = [reply for reply in replies if reply.status == 429]
        assert len(refused) >= 5
        assert {(reply.code, reply.headers["retry-after"]) for reply in refused} == {("rate_limited", "1")}
        assert [edge.get(warm).cache for _ in range(20)] == ["HIT"] * 20
        assert edge.get(warm.replace("/website/", "/other/")).status == 200


def flooding(tenant: str = "flooding") -> str:
    return public("fmt_jpg-w_100-q_85.jpg", another()).replace("/website/", f"/{tenant}/")


@pytest.mark.parametrize("comes_out", [True, False])
def test_a_full_tenants_misses_are_let_in_one_for_each_that_comes_out(edge: Running, *, comes_out: bool) -> None:
    """Be it that the origin answers it, or that it breaks down over it."""
    warm, slow = flooding(), flooding()
    assert edge.get(warm).status == 200
    gate = threading.Event()

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if path == slow:
            gate.wait(PATIENCE)
            if not comes_out:
                raise ConnectionResetError
        elif "/flooding/" in path and not gate.is_set():
            return Answer(503, b"{}", {"Retry-After": "1", "X-Mezzotint-Full": "1"})
        return picture(path, headers)

    found = flooding()
    edge.origin.answer = answer
    with ThreadPoolExecutor() as clients:
        inside = clients.submit(edge.get, slow)
        eventually(lambda: edge.origin.asked(slow), "one is inside")
        told = edge.get(found)
        assert (told.status, told.cache) == (503, "MISS")
        assert "x-mezzotint-full" not in told.headers

        def refusal() -> Reply | None:
            edge.get(found)  # in case that it is forgotten already
            reply = edge.get(asked := flooding())
            return None if edge.origin.asked(asked) else reply

        refused = eventually(refusal, "the edge refuses by itself")
        assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "overloaded", "1")
        assert refused.problem["request_id"] == refused.headers["x-request-id"]
        asked, begun = len(edge.origin.requests), time.monotonic()
        assert {edge.get(flooding()).status for _ in range(200)} == {503}
        forgotten = 1 + (time.monotonic() - begun) / 0.5  # times, since nobody comes out
        assert len(edge.origin.requests) - asked <= 2 * forgotten, "the next may come before the answer is heeded"
        assert edge.get(warm).cache == "HIT"
        assert edge.get(public(asset=another())).status == 200, "another tenant has nothing to do with it"
        gate.set()
        assert inside.result().status == (200 if comes_out else 503)
    assert edge.get(flooding()).status == 200, "one came out, so one is let in"


def test_a_crowd_finds_the_places_that_come_to_be(edge: Running) -> None:
    """At first the origin has room for one of them, then for six, and they never stop coming."""
    room, inside, most, over = 1, 0, 0, threading.Event()
    refused: list[bool] = []  # whether by the edge
    counting = threading.Lock()

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        nonlocal inside, most
        with counting:
            if inside >= room:
                return Answer(503, b"{}", {"X-Mezzotint-Full": "1"})
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with counting:
            inside -= 1
        made = picture(path, headers)
        made.headers["X-Mezzotint-Made"] = "1"
        return made

    def ask() -> None:
        while not over.is_set():
            reply = edge.get(flooding("growing"))
            if reply.status == 503:
                refused.append(reply.body != b"{}")
                time.sleep(0.005)

    edge.origin.answer = answer
    with ThreadPoolExecutor(8) as clients:
        try:
            asking = [clients.submit(ask) for _ in range(8)]
            eventually(lambda: any(refused), "the edge lets in one for one")
            room = 6
            eventually(lambda: most >= 4, "others are let in beside it")
        finally:
            over.set()
        for each in asking:
            each.result()


def test_nobody_is_locked_out_when_no_answer_comes(edge: Running) -> None:
    edge.origin.answer = lambda *_: Answer(503, b"{}", {"X-Mezzotint-Full": "1"})
    assert edge.get(flooding("silent")).status == 503
    edge.origin.answer = picture
    assert eventually(lambda: edge.get(flooding("silent")).status == 200, "it is let through again")


def test_a_large_picture_passes_whole(edge: Running) -> None:
    asset, body = another(), bytes(range(256)) * 40_000
    edge.origin.answer = lambda path, headers: replace(picture(path, headers), body=body)
    for cache in ("MISS", "HIT"):
        reply = edge.get(public(asset=asset))
        assert (reply.cache, reply.body == body) == (cache, True)


def test_an_error_is_no_download(edge: Running) -> None:
    edge.origin.answer = lambda *_: Answer(404, b"{}", {"Content-Type": "application/problem+json"})
    assert "content-disposition" not in edge.get(public(asset=another()) + "?download=a.jpg").headers


@pytest.mark.parametrize("path", [public(), "/v1/assets"])
def test_whatever_is_asked_for_the_log_is_json(edge: Running, path: str) -> None:
    for byte in (b"\x80", b"\xff", b'"', b"\\", b"\x7f"):
        reply = edge.raw(b"GET " + path.encode() + byte + b" HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n\r\n")
        name = reply.headers["x-request-id"]
        eventually(lambda name=name: [line for line in edge.log() if line["request_id"] == name], "it is logged")


@pytest.mark.parametrize("path", [public, private])
def test_the_log(edge: Running, path: Callable[..., str]) -> None:
    asset = another()
    target = sign(path(asset=asset)) + "&utm=secret"
    replies = [edge.get(target) for _ in range(2)]
    for reply, cache in zip(replies, ("MISS", "HIT"), strict=True):
        name = reply.headers["x-request-id"]
        [line] = eventually(
            lambda name=name: [line for line in edge.log() if line["request_id"] == name], "it is logged"
        )
        assert line["path"] == path(asset=asset)
        assert (line["organization"], line["tenant"], line["asset"]) == ("acme", "website", asset)
        assert (line["cache"], line["status"]) == (cache, 200)
        assert line["variant"] == ASSET
        assert "secret" not in str(line)
        assert "sig" not in str(line)
