"""Pictures that are stored and in no edge's cache: what becomes of them is the same wherever they are stored."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from mezzotint import registry, settings, wiring
from mezzotint.plugin_api import Storage
from tests.journeys.conftest import Home, picture
from tests.journeys.waiting import until, whole_lines
from tests.servers.installation import Stack

# Of no two answers alike.
OWN = {"Date", "X-Request-Id", "Server-Timing"}
ENTRY = re.compile(r"[0-9a-f]{32}")


def stores_of(stack: Stack) -> dict[str, Storage]:
    tables = tomllib.loads((stack.folder / "mezzotint.toml").read_text())["stores"]
    named = {name: settings.Store(table.pop("kind"), table) for name, table in tables.items()}
    return wiring.storages(named, registry.load(["standard"]))


class StoredPictures:
    """A subclass named Test… has a `home` and its `stores`."""

    def test_the_edge_fetches_it_and_nobody_can_tell(self, home: Home):
        asset = home.asset(seed=71)
        made = requests.get(url := home.url(asset, "w_110.jpg"))
        lose_from_the_cache(home, asset)
        fetched, hit = requests.get(url), requests.get(url)
        assert sent(home, made) == [(False, 200)]
        assert sent(home, fetched) == [(True, 200)]
        assert [answer.headers["X-Cache"] for answer in (made, fetched, hit)] == ["MISS", "MISS", "HIT"]
        assert made.content == fetched.content == hit.content
        assert alike(made.headers) == alike(fetched.headers)
        assert alike(hit.headers, "X-Cache") == alike(made.headers, "X-Cache")
        unchanged = requests.get(url, headers={"If-None-Match": made.headers["ETag"]})
        assert (unchanged.status_code, unchanged.headers["X-Cache"]) == (304, "HIT")

    def test_a_private_one_and_its_original(self, home: Home):
        data = picture(seed=72)
        asset = home.upload(data, access="private").json()
        urls = [home.sign(home.url(asset, each, access="priv")) for each in ("w_111.jpg", "original.jpg")]
        first = requests.get(urls[0])
        lose_from_the_cache(home, asset)
        again, original = (requests.get(url) for url in urls)
        assert (again.content, original.content) == (first.content, data)
        assert sent(home, again) == sent(home, original) == [(True, 200)]
        assert again.headers["Cache-Control"].startswith("private, max-age=")
        assert "Access-Control-Allow-Origin" not in again.headers
        saved = requests.get(urls[1] + "&download=a%20cat.jpg")
        assert (saved.headers["X-Cache"], saved.headers["Content-Disposition"]) == (
            "HIT",
            'attachment; filename="a cat.jpg"',
        )
        forged = requests.get(urls[0].replace("sig=", "sig=A"))
        assert forged.status_code == 401

    def test_parts_of_it_and_its_head(self, home: Home):
        asset = home.asset(seed=73)
        whole = requests.get(url := home.url(asset, "w_112.png"))
        for method, headers, status, content in (
            ("GET", {"Range": "bytes=10-19"}, 206, whole.content[10:20]),
            ("HEAD", {}, 200, b""),
            ("GET", {"If-None-Match": whole.headers["ETag"]}, 304, b""),
        ):
            lose_from_the_cache(home, asset)
            answer = requests.request(method, url, headers=headers)
            assert (answer.status_code, answer.content, answer.headers["X-Cache"]) == (status, content, "MISS")
            assert answer.headers["ETag"] == whole.headers["ETag"]
            assert sent(home, answer) == [(True, 200)]

    def test_a_lost_one_is_made_anew(self, home: Home, stores: dict[str, Storage]):
        asset = home.asset(seed=74)
        made = requests.get(url := home.url(asset, "w_113.webp"))
        # By its bytes: background work may add to the store at any moment.
        as_long = [found.key for found in stores["variants"].list() if found.size == len(made.content)]
        (key,) = [key for key in as_long if stores["variants"].get(key) == made.content]
        stores["variants"].delete(key)
        lose_from_the_cache(home, asset)
        again = requests.get(url)
        assert (again.status_code, again.content, again.headers["X-Cache"]) == (200, made.content, "MISS")
        assert sent(home, again) == [(True, 200), (False, 200)]
        until(lambda: stores["variants"].exists(key))
        assert requests.get(url).headers["X-Cache"] == "HIT"

    def test_a_lost_original_is_not_there(self, home: Home, stores: dict[str, Storage]):
        before = {found.key for found in stores["originals"].list()}
        asset = home.asset(seed=75)
        (key,) = {found.key for found in stores["originals"].list()} - before
        stores["originals"].delete(key)
        answer = requests.get(home.sign(home.url(asset, "original.jpg", access="priv")))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def lose_from_the_cache(home: Home, asset: Mapping[str, Any]) -> None:
    """Remove the edge's entry of an asset, as it does by itself when it needs room.

    It is there a moment after the answer was, and by another name until then.
    """

    def entries() -> list[Path]:
        files = [file for file in (home.stack.folder / "cache").rglob("*") if ENTRY.fullmatch(file.name)]
        return [file for file in files if f"\nKEY: {asset['id']}.".encode() in file.read_bytes()]

    for file in until(entries):
        file.unlink()


def alike(headers: Mapping[str, str], *other: str) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OWN and name not in other}


def sent(home: Home, answer: requests.Response) -> list[tuple[bool, int]]:
    """What the origin's log tells of each time that it was asked: whether it left the bytes to the edge, the status."""

    def lines() -> list[tuple[bool, int]]:
        log = whole_lines(home.stack.folder / "log/origin.log")
        told = [json.loads(line) for line in log if answer.headers["X-Request-Id"] in line]
        return [(line.get("fetched", False), line["status"]) for line in told if line["event"] == "request"]

    return until(lines)
