"""What the origin says to an edge, and to one who asks it directly: through Flask's test client, with a real folder."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from werkzeug.test import TestResponse

from mezzotint.data import locks
from mezzotint.imaging.client import RendererDied
from mezzotint.model.errors import Overloaded, Unavailable
from mezzotint.model.quarantine import STRIKES
from mezzotint.plugin_api import Storage
from mezzotint.services.variants import Variants
from tests.imaging.pool import render_job
from tests.servers.places import OPERATOR, tenant_of
from tests.web.conftest import Api


@pytest.fixture
def path(house, tenant: Api, place, jpeg) -> str:
    """The delivery path of a stored variant."""
    answer = tenant.upload(jpeg(), access="public", **place.fields)
    assert answer.status_code == 201, answer.text
    house.publisher.drain()
    path = f"/v1/pub/{place.path}/img/{answer.get_json()['id']}/v1/w_20.jpg"
    assert tenant("GET", path).status_code == 200
    return path


@pytest.fixture
def ask(app) -> Callable[..., TestResponse]:
    """A request as an edge sends it, which fetches from these stores by itself."""

    def ask(path: str, stores: str = "", method: str = "GET", **headers: str) -> TestResponse:
        told = {"X-Mezzotint-Path": path, "X-Mezzotint-Host": "localhost", "X-Mezzotint-Stores": stores, **headers}
        return app.test_client().open(path, method=method, headers={name: told[name] for name in told if told[name]})

    return ask


def test_the_bytes_are_left_to_an_edge_that_can_have_them(house, path: str, ask: Callable[..., TestResponse]):
    sent, left = ask(path), ask(path, stores="originals variants")
    assert (left.status_code, left.data) == (200, b"")
    base = house.stores["variants"].base_url.removeprefix("file://")
    stored = Path(base + left.headers["X-Accel-Redirect"].removeprefix("/_stored/variants"))
    assert stored.read_bytes() == sent.data
    assert left.headers["X-Mezzotint-Size"] == sent.headers["Content-Length"] == str(len(sent.data))
    own = {"X-Accel-Redirect", "X-Mezzotint-Size", "Content-Length", "Accept-Ranges"}
    ours = {"Server-Timing", "X-Request-Id", "Date"}
    said, also = ({*answer.headers.items()} for answer in (sent, left))
    assert {name for name, _ in said ^ also} - ours == own


def test_a_picture_in_quarantine_is_refused_at_once_and_made_again_when_released(house, tenant: Api, place, path: str):
    content_hash = tenant("GET", f"/v1/assets/{path.split('/')[7]}").get_json()["sha256"]
    job = render_job(Path("the original"), tenant=str(tenant_of(house, place).id), content_hash=content_hash)
    for _ in range(STRIKES):
        with pytest.raises(RendererDied), house.quarantine.guard(job):
            raise RendererDied("renderers", "it broke a renderer")
    other = path.replace("w_20", "w_21")
    answer = tenant("GET", other)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "picture_refused")
    assert "quarantine" in answer.get_json()["detail"]
    assert tenant("GET", path).status_code == 200, "what is made already is no danger"
    assert house.quarantine.release(OPERATOR, content_hash) == 1
    assert tenant("GET", other).status_code == 200


def test_what_could_not_be_looked_up_is_made_and_not_kept(house, tenant: Api, place, path: str, monkeypatch):
    """Stored without a row it would be an orphan."""

    def look_up(*_: object) -> None:
        raise Unavailable("database")

    def kept() -> list[str]:
        return [each.key for each in house.stores["variants"].list(f"{tenant_of(house, place).id}/")]

    before = kept()
    monkeypatch.setattr(Variants, "_look_up", look_up)
    assert tenant("GET", path.replace("w_20", "w_23")).status_code == 200
    assert kept() == before
    monkeypatch.undo()
    assert tenant("GET", path.replace("w_20", "w_23")).status_code == 200
    assert len(kept()) == len(before) + 1


@pytest.mark.parametrize("stores", ["", "originals", "variants-2"])
def test_they_are_sent_to_any_other(path: str, ask: Callable[..., TestResponse], stores: str):
    answer = ask(path, stores=stores)
    assert answer.data[:2] == b"\xff\xd8"
    assert "X-Accel-Redirect" not in answer.headers
    assert "X-Mezzotint-Size" not in answer.headers


@pytest.mark.parametrize("stores", ["", "variants"])
def test_who_has_them_already_is_told_so(path: str, ask: Callable[..., TestResponse], stores: str):
    first = ask(path, stores=stores)
    for condition in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        same = ask(path, stores=stores, **condition)
        assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", first.headers["ETag"])
        assert "X-Accel-Redirect" not in same.headers
    other = ask(path, stores=stores, **{"If-None-Match": '"another"'})
    assert (other.status_code, "X-Accel-Redirect" in other.headers) == (200, stores != "")


def test_who_comes_back_with_empty_hands_is_sent_them_and_counted_once(
    house, path: str, ask: Callable[..., TestResponse], capsys: pytest.CaptureFixture[str]
):
    house.usage.flush()
    left = ask(path, stores="variants")
    counted = dict(house.usage._spaces), dict(house.usage._variants)
    sent = ask(path, **{"X-Mezzotint-Unfetched": "variants"})
    assert (len(sent.data), "X-Accel-Redirect" in sent.headers) == (int(left.headers["X-Mezzotint-Size"]), False)
    assert counted == (dict(house.usage._spaces), dict(house.usage._variants))
    assert "not_fetched" in capsys.readouterr().out


class Watched:
    """A storage that counts the streams that were opened and not closed."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.opened, self.open_now = 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.storage, name)

    def open(self, key: str) -> "Watching":
        return Watching(self, self.storage.open(key))


class Watching:
    def __init__(self, watched: Watched, opening: AbstractContextManager[BinaryIO]) -> None:
        self.watched, self.opening = watched, opening

    def __enter__(self) -> BinaryIO:
        self.watched.opened += 1
        self.watched.open_now += 1
        return self.opening.__enter__()

    def __exit__(self, *why: object) -> None:
        self.watched.open_now -= 1
        self.opening.__exit__(*why)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"If-None-Match": "*"}, 304),
        ("GET", {"Range": "bytes=0-9"}, 206),
        ("GET", {"Range": "bytes=999999-"}, 416),
    ],
)
def test_what_was_opened_is_closed(
    house, path: str, ask: Callable[..., TestResponse], monkeypatch: pytest.MonkeyPatch, method: str,
    headers: dict[str, str], status: int,
):  # fmt: skip
    watched = Watched(house.stores["variants"])
    monkeypatch.setitem(house.stores, "variants", watched)
    with ask(path, method=method, **headers) as answer:
        assert answer.status_code == status
        assert (method == "HEAD") <= (answer.data == b"")
    assert (watched.opened, watched.open_now) == (1, 0)


def test_no_more_is_sent_than_was_said(house, path: str, ask: Callable[..., TestResponse]):
    left = ask(path, stores="variants").headers
    base = house.stores["variants"].base_url.removeprefix("file://")
    with Path(base + left["X-Accel-Redirect"].removeprefix("/_stored/variants")).open("ab") as file:
        file.write(b"more")
    assert len(ask(path).data) == int(left["X-Mezzotint-Size"])


def failing(error: Exception) -> Callable[..., Any]:
    def answer(*_: object, **__: object) -> Any:
        raise error

    return answer


def test_a_defect_is_told_without_its_insides(
    house, path: str, ask: Callable[..., TestResponse], problem, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(house.deliver, "answer", failing(RuntimeError("the insides")))
    answer = ask(path)
    problem(answer, 500, "internal_error")
    assert b"insides" not in answer.data
    assert (answer.headers["Cache-Control"], answer.headers["X-Accel-Expires"]) == ("no-store", "0")


@pytest.mark.parametrize("full", [True, False])
def test_edges_hear_of_a_tenants_full_queue(
    house, path: str, ask: Callable[..., TestResponse], problem, monkeypatch: pytest.MonkeyPatch, full: bool
):
    monkeypatch.setattr(house.deliver, "answer", failing(Overloaded(retry_after=7, full=full)))
    found = ask(path)
    problem(found, 503, "overloaded")
    assert (found.headers["Retry-After"], found.headers.get("X-Mezzotint-Full")) == ("7", "1" if full else None)


def test_a_full_tenants_new_pictures_are_refused_before_there_is_work(
    house, path: str, ask: Callable[..., TestResponse], problem, monkeypatch: pytest.MonkeyPatch
):
    assert ask(path).status_code == 200
    monkeypatch.setattr(house.deliver._variants._renderers, "check_room", failing(Overloaded(full=True)))
    monkeypatch.setattr(locks, "variant", failing(AssertionError("a lock is work")))
    problem(ask(path.rpartition("/")[0] + "/w_37.jpg"), 503, "overloaded")
    assert ask(path).status_code == 200


def test_edges_hear_what_was_made_just_now(path: str, ask: Callable[..., TestResponse]):
    fresh = path.rpartition("/")[0] + "/w_31.jpg"
    assert [ask(fresh).headers.get("X-Mezzotint-Made") for _ in range(2)] == ["1", None]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_pictures_are_only_read(path: str, ask: Callable[..., TestResponse], problem, method: str):
    problem(ask(path, method=method), 405, "method_not_allowed")


def test_too_large_a_picture_is_the_operations_fault(path: str, ask: Callable[..., TestResponse], problem):
    problem(ask(path.rpartition("/")[0] + "/w_8192-h_8192-up.jpg"), 400, "output_too_large", "operations")
