"""The edge's pure modules, one by one."""

import base64
import os
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mezzotint.model import errors
from tests.edge.running import ASSET, SEAL_KEY, Control, short_digest

Ask = Callable[..., list[Any]]
ADDRESS = {"organization": "acme", "tenant": "website", "space": "marketing", "asset": ASSET}


def subclasses(base: type[errors.MezzotintError]) -> list[type[errors.MezzotintError]]:
    return [base, *(deeper for one in base.__subclasses__() for deeper in subclasses(one))]


def test_problems_are_those_of_the_origin(lua: Ask) -> None:
    [codes] = lua({"ask": "problems"})
    known = {error.code: [error.status, error.title] for error in subclasses(errors.MezzotintError)}
    edge_alone = {
        "precondition_failed": [412, "The picture is another one"],
        "rate_limited": [429, "Too many requests"],
    }
    assert codes == {code: (known | edge_alone)[code] for code in codes}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "c0000207"),
        ("::ffff:192.0.2.7", "c0000207"),
        ("2001:db8::7", "20010db800000000"),
        ("2001:db8:0:1:aaaa:bbbb:cccc:dddd", "20010db800000001"),
        ("::1", "0000000000000000"),
    ],
)
def test_whose_an_address_is(lua: Ask, address: str, network: str) -> None:
    [found] = lua({"ask": "network", "address": ip_address(address).packed.hex()})
    assert found == network


@pytest.mark.parametrize(
    ("steps", "seen"),
    [
        ([["in", 2]], [True, True, -1]),
        ([["full", 1], ["in", 3]], [0, False, False, False, 0]),
        ([["full", 1], ["made", 2], ["in", 3]], [0, 2, True, True, False, 0]),
        ([["full", 1], ["out", 1], ["in", 2]], [0, 1, True, False, 0]),  # whatever comes out gives its place back
        ([["full", 1], ["made", 1], ["in", 1], ["full", 1], ["in", 1]], [0, 1, True, 0, 0, False, 0]),
        ([["full", 1], ["made", 1, "luck"], ["out", 1, "luck"]], [0, 2, 3]),  # only what was made may stand for two
        ([["full", 1], ["made", 8], ["made", 1], ["in", 1]], [0, 8, -1, True, -1]),  # nobody wants the places
        ([["full", 1], ["wait", 0.4], ["made", 1], ["wait", 0.4], ["in", 2]], [0, 0, 1, 1, True, False, 0]),
        ([["full", 1], ["wait", 0.4], ["out", 1], ["wait", 0.4], ["in", 1]], [0, 0, 1, -1, True, -1]),
        ([["full", 1], ["wait", 0.6], ["in", 1]], [0, -1, True, -1]),
    ],
)
def test_the_gate_of_a_full_tenant(lua: Ask, steps: list[list[Any]], seen: list[Any]) -> None:
    assert lua({"ask": "crowd", "steps": steps}) == [seen]


def test_unsealing(lua: Ask) -> None:
    def ask(blob: bytes, kid: str = "k1", key: bytes = SEAL_KEY) -> dict[str, str]:
        return {"ask": "unseal", "key_hex": key.hex(), "sealed": base64.b64encode(blob).decode(), "kid": kid}

    nonce = os.urandom(12)
    blob = nonce + AESGCM(SEAL_KEY).encrypt(nonce, b"s" * 32, b"k1")
    right, *wrong = lua(
        ask(blob),
        ask(blob, kid="k2"),
        ask(blob, key=bytes(32)),
        ask(blob[:-1] + bytes([blob[-1] ^ 1])),
        ask(blob[:20] + bytes([blob[20] ^ 1]) + blob[21:]),
        ask(blob[:27]),
        ask(b""),
    )
    assert base64.urlsafe_b64decode(right + "=") == b"s" * 32
    assert wrong == [False] * 6


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("unix:///run/redis.sock", {"host": "unix:/run/redis.sock"}),
        ("unix:///run/redis.sock?db=3", {"host": "unix:/run/redis.sock", "database": "3"}),
        ("redis://localhost", {"host": "localhost", "port": 6379}),
        ("redis://10.0.0.1:7000/2", {"host": "10.0.0.1", "port": 7000, "database": "2"}),
        ("redis://:secret@cache:6380", {"host": "cache", "port": 6380, "password": "secret"}),
        (
            "redis://me:se:cret@cache/0",
            {"host": "cache", "port": 6379, "user": "me", "password": "se:cret", "database": "0"},
        ),
    ],
)
def test_redis_addresses(lua: Ask, url: str, address: dict[str, Any]) -> None:
    assert lua({"ask": "address", "url": url}) == [address]


def test_plain_paths(lua: Ask) -> None:
    plain = ["/", "/v1/assets", "/v1/a.b/..c/d..", "/v1/...", "/~a-b_c:d,e"]
    tricky = ["//", "/a//b", "/.", "/a/./b", "/a/..", "/../a", "/a%62", "/a b", "/a\\b", "/é", "/a\x7f", "/a\n"]
    assert lua(*({"ask": "plain", "path": path} for path in plain)) == [True] * len(plain)
    assert lua(*({"ask": "plain", "path": path} for path in tricky)) == [False] * len(tricky)


@pytest.mark.parametrize(
    ("raw", "header"),
    [
        ("a.jpg", 'attachment; filename="a.jpg"'),
        ("a%20b.jpg", 'attachment; filename="a b.jpg"'),
        ("a+b.jpg", 'attachment; filename="a+b.jpg"'),
        ("", "attachment"),
        ("%22%3B%0d%0aX:1", 'attachment; filename="_;__X:1"'),
        ("..%2f..%5cpasswd", 'attachment; filename=".._.._passwd"'),
        ("caf%C3%A9.jpg", "attachment; filename=\"caf__.jpg\"; filename*=UTF-8''caf%C3%A9.jpg"),
        ("%C3%A9" * 200, f"attachment; filename=\"{'__' * 127}\"; filename*=UTF-8''{'%C3%A9' * 127}"),
        ("%zz%", 'attachment; filename="%zz%"'),
    ],
)
def test_dispositions(lua: Ask, raw: str, header: str) -> None:
    assert lua({"ask": "disposition", "download": raw}) == [header]


def key_of(
    lua: Ask, *, accept_class: str = "", preset: str | None = None, changes: list[tuple[str, int]] | None = None
) -> str:
    generations = {"*": 1, "o:acme": 2, "t:acme/website": 3, "s:acme/website/marketing": 4, f"a:{ASSET}": 5}
    generations |= {"p:acme/card": 6, "p:acme/website/card": 7, "p:acme/website/marketing/card": 8}
    question = {"ask": "cache_key", "canonical": "/path", "class": accept_class, "generations": generations}
    [key] = lua({**question, "address": ADDRESS, "preset": preset, "changes": changes or []})
    return str(key)


def test_cache_keys(lua: Ask) -> None:
    def key(text: str) -> str:
        return f"{ASSET}.{short_digest(text)}"

    assert key_of(lua) == key("/path||1.2.3.4.5.")
    assert key_of(lua, accept_class="webp") == key("/path|webp|1.2.3.4.5.")
    assert key_of(lua, preset="card") == key("/path||1.2.3.4.5.21")
    assert key_of(lua, preset="other") == key("/path||1.2.3.4.5.0")
    assert key_of(lua, changes=[("o:acme", 2), ("a:another", 1)]) == key("/path||1.4.3.4.5.")
    assert key_of(lua, preset="card", changes=[("p:acme/website/card", 1)]) == key("/path||1.2.3.4.5.22")


def test_a_generation_never_goes_back(lua: Ask) -> None:
    """Whatever a reading says, a change of it makes another key than any before."""
    [seen] = lua({"ask": "readings", "scope": "*", "readings": [{"*": 5}, {"*": 5}, {"*": 7}, {"*": 6}, {"*": 9}, {}]})
    assert seen == [5, 5, 7, 8, 9, 10]


def test_the_memo_is_bounded_and_keeps_what_is_used(lua: Ask) -> None:
    [answer] = lua({"ask": "memo", "size": 10, "put": [f"key{number}" for number in range(100)]})
    assert 10 <= answer["held"] <= 20
    assert answer["first"]


def test_a_look_up_that_raced_with_a_revocation(lua: Ask) -> None:
    record = {"ask": "raced", "key_hex": SEAL_KEY.hex(), "kid": "k1"}
    [answer] = lua({**record, "newer": Control.key("k1", status="revoked"), "older": Control.key("k1")})
    assert answer == {"status": "revoked", "unknown": False}


def test_a_whole_reading_drops_what_it_lacks(lua: Ask) -> None:
    [answer] = lua({"ask": "whole", "key_hex": SEAL_KEY.hex(), "kid": "k1", "record": Control.key("k1")})
    assert answer == {"kept": True, "gone": True}
