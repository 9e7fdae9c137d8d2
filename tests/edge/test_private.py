"""Signed URLs at a running edge: judged on every request, whether the picture is cached or not."""

import base64
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.edge.running import (
    HOST,
    Answer,
    Control,
    Reply,
    Running,
    another,
    eventually,
    judged,
    picture,
    private,
    sign,
)
from tests.edge.test_vectors import vectors

SCOPES = {"acme/website": "site", "acme/*": "all", "acme/other": "other", "evil/website": "evil"}
VECTORS = vectors("verify")
[VECTOR_SECRET] = {bytes.fromhex(case["secret_hex"]) for case in VECTORS}
PICTURE = VECTORS[0]["path"]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module", autouse=True)
def keys(edge: Running, control: Control) -> None:
    """A key for each scope and state that the vectors name."""
    now = int(time.time())
    for scope, kid in SCOPES.items():
        organization, tenant = scope.split("/")
        control.put_key(kid, organization=organization, tenant=tenant, secret=VECTOR_SECRET)
    control.put_key("grace", status="grace", grace_until=now + 3600, secret=VECTOR_SECRET)
    control.put_key("late", status="grace", grace_until=now - 1, secret=VECTOR_SECRET)
    control.put_key("revoked", status="revoked", secret=VECTOR_SECRET)
    eventually(lambda: edge.status()["keys"] == 8, "all keys have arrived")


def kid_of(case: dict[str, Any]) -> str:
    match case["key_status"]:
        case "grace":
            return "grace" if case["grace_until"] > case["now"] else "late"
        case "revoked":
            return "revoked"
        case _:
            return SCOPES[case["key_scope"]]


def within_a_second(ask: Callable[[int], Reply]) -> Reply:
    """The reply of a second that lasted as long as the question: a second makes all the difference to an expiry."""
    while True:
        now = int(time.time())
        reply = ask(now)
        if int(time.time()) == now:
            return reply


def moved(case: dict[str, Any], now: int, lua: Callable[..., list[Any]]) -> str:
    """The vector's query by the clock of now: what was signed right is signed right anew, the rest stays wrong."""
    shift = now - int(case["now"])
    organization, tenant = case["path"].split("/")[3:5]
    question = {"ask": "sign", "secret_hex": case["secret_hex"], "path": case["path"], "hostname": HOST}
    question |= {"organization": organization, "tenant": tenant}
    expiries = re.findall(r"exp=([^&]*)", case["query"])
    later = {exp: re.sub("[1-9][0-9]+$", lambda digits: str(int(digits[0]) + shift), exp) for exp in expiries}
    query = re.sub(r"exp=([^&]*)", lambda found: f"exp={later[found[1]]}", case["query"])
    for exp in expiries[:1]:
        was_right, is_right = lua({**question, "exp": exp}, {**question, "exp": later[exp]})
        query = query.replace(f"sig={was_right}", f"sig={is_right}")
    return str(query).replace("kid=k1", f"kid={kid_of(case)}")


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: str(case["why"]))
def test_the_vectors(edge: Running, lua: Callable[..., list[Any]], case: dict[str, Any]) -> None:
    """Of a host that is not ours an edge says so; the vector's other host is another one of ours."""
    host = case["host"].replace("evil.example.com", "other.example.com")
    for _ in range(2):
        reply = within_a_second(lambda now: judged(edge, f"{case['path']}?{moved(case, now, lua)}", host=host))
        if case["verdict"] == "ok":
            assert reply.status == 200
        else:
            assert reply.code == case["verdict"]
        # In the cache from here on, under every spelling.
        assert edge.get(sign(PICTURE, kid="site", secret=VECTOR_SECRET)).status == 200


def test_altered_signatures(edge: Running) -> None:
    target = sign(private(asset=another()))
    path, query = target.split("?")
    sig, exp, kid = (pair.partition("=")[2] for pair in query.split("&"))
    raw = base64.urlsafe_b64decode(sig + "=")
    altered = [
        "",
        "=",
        sig + "=",
        sig + "A",
        sig[:-1],
        sig[:-1] + ALPHABET[ALPHABET.index(sig[-1]) ^ 1],
        ALPHABET[ALPHABET.index(sig[0]) ^ 1] + sig[1:],
        sig.swapcase(),
        raw.hex(),
        base64.b64encode(raw).decode(),
        f"%{ord(sig[0]):02X}{sig[1:]}",
        f"%20{sig}",
        sig + "%00",
        sig + "%0d%0aX-Evil:1",
        "A" * 43,
        "A" * 3000,
    ]
    for warm in (False, True):
        for wrong in altered:
            reply = edge.get(f"{path}?sig={wrong}&exp={exp}&kid={kid}")
            assert (reply.status, reply.code) == (401, "signature_invalid"), wrong
            assert reply.cache is None
            assert reply.headers["cache-control"] == "no-store"
        assert warm or edge.origin.asked(path) == []
        assert edge.get(target).cache == ("HIT" if warm else "MISS")


def test_altered_expiries_and_kids(edge: Running) -> None:
    target = sign(private(asset=another()))
    path, query = target.split("?")
    sig, exp, kid = (pair.partition("=")[2] for pair in query.split("&"))
    assert edge.get(target).status == 200
    for wrong in (
        "",
        "0",
        "-1",
        f"+{exp}",
        f"0{exp}",
        f"{exp}0",
        f"{exp},5",
        f"{exp}%20",
        hex(int(exp)),
        "1e10",
        "9" * 40,
        str(int(exp) + 1),
    ):
        assert edge.get(f"{path}?sig={sig}&exp={wrong}&kid={kid}").code == "signature_invalid", wrong
    for wrong in ("", "K1", "k1%20", "k%31", "../k1", "mz:keys", "k1" * 40, "%C3%A9"):
        assert judged(edge, f"{path}?sig={sig}&exp={exp}&kid={wrong}").code == "signature_invalid", wrong


@pytest.mark.parametrize("name", ["sig", "exp", "kid", "download"])
def test_doubled_arguments(edge: Running, name: str) -> None:
    target = sign(private(asset=another())) + "&download=a.jpg"
    assert edge.get(target).status == 200
    value = next(pair for pair in target.split("?")[1].split("&") if pair.startswith(name)).partition("=")[2]
    for doubled in (f"{target}&{name}={value}", f"{target}&{name.upper()}={value}", target.replace("?", f"?{name}=&")):
        reply = edge.get(doubled)
        assert (reply.status, reply.code, reply.problem["field"]) == (400, "bad_request", name)


def test_strangers_are_ignored(edge: Running) -> None:
    target = sign(private(asset=another()))
    for extra in ("&utm=1&utm=2", "&%73ig=x", "&sig", "&=", "&&", "&sigx=1", "&a=sig=b"):
        assert edge.get(target + extra).status == 200, extra


def test_all_signatures_of_a_picture_share_one_entry(edge: Running) -> None:
    asset = another()
    replies = [edge.get(sign(private(asset=asset), seconds=seconds)) for seconds in (60, 600, 6000)]
    replies += [edge.get(sign(private(asset=asset), kid="all", secret=VECTOR_SECRET))]
    replies += [edge.get(sign(private("w_0100.jpeg", asset), host="localhost"), host="localhost:8080")]
    assert [reply.cache for reply in replies] == ["MISS", "HIT", "HIT", "HIT", "HIT"]
    assert len([key for key in edge.entries() if asset in key]) == 1


def test_each_reader_is_told_the_seconds_of_its_own_signature(edge: Running) -> None:
    asset = another()
    for seconds in (60, 600):
        now = time.time()
        reply = edge.get(sign(private(asset=asset), seconds=seconds))
        spent = time.time() - now + 1
        kept = int(reply.headers["cache-control"].removeprefix("private, max-age="))
        assert seconds - spent <= kept <= seconds + 1
        assert [value for name, value in reply.all_headers if name == "cache-control"] == [
            reply.headers["cache-control"]
        ]


def test_what_the_origin_is_told(edge: Running) -> None:
    asset = another()
    path, query = sign(private("w_10.jpg", asset)).split("?")
    edge.get(f"{path}?{query}&download=x.jpg", x_mezzotint_kid="evil")
    [told] = edge.origin.asked(private("fmt_jpg-w_10-q_85.jpg", asset))
    names = {"X-Mezzotint-Sig": "sig", "X-Mezzotint-Exp": "exp", "X-Mezzotint-Kid": "kid"}
    assert {name: told[header] for header, name in names.items()} == dict(pair.split("=") for pair in query.split("&"))
    assert told["X-Mezzotint-Path"] == path


@pytest.mark.parametrize("about", [{"range": "bytes=0-3"}, {"method": "HEAD"}, {"if_none_match": "*"}])
def test_no_way_around_the_verdict(edge: Running, about: dict[str, Any]) -> None:
    asset = another()
    target = sign(private(asset=asset))
    assert edge.get(target).status == 200
    assert edge.get(target, **about).status in (200, 206, 304)
    assert edge.get(private(asset=asset), **about).status == 401
    assert edge.get(target.replace("exp=", "exp=1"), **about).status == 401


def test_a_url_expires_while_its_picture_is_cached(edge: Running) -> None:
    asset = another()

    def good_for_a_moment() -> str | None:
        short = sign(private(asset=asset), seconds=2)
        return short if edge.get(short).status == 200 else None

    short, long = eventually(good_for_a_moment, "it is asked for in time"), sign(private(asset=asset))
    eventually(lambda: edge.get(short).status == 401, "it expires")
    assert edge.get(short).code == "signature_expired"
    assert edge.get(long).cache == "HIT"


def test_grace_ends_while_a_picture_is_cached(edge: Running, control: Control) -> None:
    target = sign(private(asset=another()), kid="ending")

    def arrives_in_time() -> bool:
        end = int(time.time()) + 2
        control.put_key("ending", status="grace", grace_until=end)
        while not (good := edge.get(target).status == 200) and time.time() < end:
            pass
        return good

    eventually(arrives_in_time, "the key has arrived")
    eventually(lambda: edge.get(target).status == 401, "its grace ends")
    assert edge.get(target).code == "signature_invalid"


def test_a_download_and_private_headers(edge: Running) -> None:
    target = sign(private(asset=another()))
    assert edge.get(target).cache == "MISS"
    reply = edge.get(target + "&download=a.jpg")
    assert (reply.cache, reply.headers["content-disposition"]) == ("HIT", 'attachment; filename="a.jpg"')
    assert reply.headers["cache-control"].startswith("private, max-age=")
    assert edge.get(target.replace("sig=", "sig=x") + "&download=a.jpg").code == "signature_invalid"


def test_auto_and_private(edge: Running) -> None:
    asset = another()
    for accept, name in (("image/avif", "avif"), ("image/webp", "webp"), ("*/*", "base")):
        reply = edge.get(sign(private("f_auto.jpg", asset)), accept=accept)
        assert reply.headers["vary"] == "Accept"
        assert reply.body.decode().endswith(name)


def test_errors_of_the_origin_say_nothing_of_the_signature(edge: Running) -> None:
    gone = {"Content-Type": "application/problem+json", "X-Accel-Expires": "2", "Cache-Control": "no-store"}
    edge.origin.answer = lambda *_: Answer(404, b'{"status":404}', gone)
    target = sign(private(asset=another()))
    reply = eventually(lambda: (reply := edge.get(target)).cache == "HIT" and reply, "it is kept briefly all the same")
    edge.origin.answer = picture
    assert (reply.status, reply.headers["cache-control"]) == (404, "no-store")
