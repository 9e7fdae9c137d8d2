"""Direct uploads: announced, sent to a real store by its own URL, completed, and never trusted."""

import hashlib
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import requests

from mezzotint import settings, wiring
from mezzotint.plugin_api import Storage
from mezzotint.services import direct_uploads
from mezzotint.services.caller import SCOPES
from mezzotint.standalone.settings_file import dump
from mezzotint.web.app import create_app
from mezzotint.wiring import House
from tests.servers import minio
from tests.servers.house import running_settings
from tests.servers.places import Names, settle, token
from tests.web.conftest import Api

INCOMING = f"{direct_uploads.PLACE}/"


@pytest.fixture(scope="module")
def bucket_house(postgres, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose originals lie in a bucket."""
    folder = tmp_path_factory.mktemp("bucket")
    with (
        minio.running(tmp_path_factory.mktemp("minio")) as server,
        running_settings(postgres, redis_url, folder) as path,
    ):
        tables = tomllib.loads(path.read_text())
        tables["stores"]["originals"] = {"kind": "minio", **server.options("originals")}
        path.write_text(dump(tables))
        house = wiring.build(settings.load(path, {}))
        house.stores["originals"].check()
        yield house
        house.database.close()


@pytest.fixture
def store(bucket_house: House) -> Storage:
    return bucket_house.stores["originals"]


@pytest.fixture
def place(bucket_house: House) -> Names:
    return settle(bucket_house)


@pytest.fixture
def api(bucket_house: House, place: Names) -> Api:
    return Api(create_app(bucket_house), token(bucket_house, place.organization, place.tenant, SCOPES))


@pytest.fixture
def announce(api: Api, place: Names) -> Callable[..., dict[str, Any]]:
    def ask(data: bytes, **fields: Any) -> dict[str, Any]:
        body = {"space": place.space, "name": "a.jpg", "size": len(data), "media_type": "image/jpeg"} | fields
        answer = api("POST", "/v1/uploads", json=body)
        assert answer.status_code == 201, answer.text
        return answer.get_json()

    return ask


def send(announced: dict[str, Any], data: bytes) -> None:
    answer = requests.request(announced["method"], announced["url"], data=data, headers=announced["headers"])
    assert answer.status_code == 200, answer.text


def incoming(store: Storage) -> list[str]:
    return [found.key for found in store.list(INCOMING)]


def end(postgres) -> None:
    """As if all that was announced had ended long ago."""
    with psycopg.connect(postgres.admin_dsn) as connection:
        connection.execute("UPDATE uploads SET expires_at = now() - interval '1 day'")


def test_what_was_sent_becomes_an_asset_like_any_other(api, announce, jpeg, store):
    data = jpeg(70)
    announced = announce(data, tags=["red"], folder="a/b", access="private", sha256=hashlib.sha256(data).hexdigest())
    assert (announced["method"], announced["headers"]) == ("PUT", {"Content-Type": "image/jpeg"})
    send(announced, data)
    answer = api("POST", f"/v1/uploads/{announced['id']}/complete")
    asset = answer.get_json()
    assert answer.status_code == 201
    assert {name: asset[name] for name in ("access", "folder", "tags", "bytes", "media_type", "width")} == {
        "access": "private",
        "folder": "a/b",
        "tags": ["red"],
        "bytes": len(data),
        "media_type": "image/jpeg",
        "width": 70,
    }
    assert asset["sha256"] == hashlib.sha256(data).hexdigest()
    assert incoming(store) == []
    assert api("GET", f"/v1/assets/{asset['id']}").status_code == 200


def test_completing_twice_gives_the_same_asset(api, announce, jpeg):
    announced = announce(jpeg(71))
    send(announced, jpeg(71))
    first, second = (api("POST", f"/v1/uploads/{announced['id']}/complete") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.get_json()["id"] == second.get_json()["id"]


def test_the_same_bytes_are_the_same_asset_however_they_come(api, announce, jpeg, place):
    usual = api.upload(jpeg(72), space=place.space).get_json()
    announced = announce(jpeg(72))
    send(announced, jpeg(72))
    answer = api("POST", f"/v1/uploads/{announced['id']}/complete")
    assert (answer.status_code, answer.get_json()["id"]) == (200, usual["id"])


def test_who_may_still_write_changes_nothing_that_is_served(api, announce, jpeg, store):
    announced = announce(jpeg(73))
    send(announced, jpeg(73))
    asset = api("POST", f"/v1/uploads/{announced['id']}/complete").get_json()
    send(announced, jpeg(74))
    (key,) = [found.key for found in store.list() if store.get(found.key) == jpeg(73)]
    assert not key.startswith(INCOMING)
    again = api("POST", f"/v1/uploads/{announced['id']}/complete").get_json()
    assert (again["id"], again["sha256"]) == (asset["id"], hashlib.sha256(jpeg(73)).hexdigest())


@pytest.mark.parametrize(
    ("sent", "fields", "refusal"),
    [
        (None, {}, (409, "conflict", None)),
        (b"\xff\xd8\xff\xe0" + bytes(200), {"size": 204}, (422, "picture_refused", "file")),
        (b"<html>not a picture</html>", {"size": 26}, (415, "unsupported_type", "file")),
        (b"short", {"size": 6}, (422, "invalid_field", "size")),
        (b"too long", {"size": 6}, (413, "upload_too_large", "file")),
        (b"other", {"size": 5, "sha256": "0" * 64}, (422, "invalid_field", "sha256")),
    ],
    ids=["nothing sent", "no picture", "no picture at all", "fewer bytes", "more bytes", "other bytes"],
)
def test_what_is_not_as_announced_becomes_nothing(api, announce, place, problem, sent, fields, refusal):
    announced = announce(sent or b"x", **fields)
    if sent is not None:
        send(announced, sent)
    problem(api("POST", f"/v1/uploads/{announced['id']}/complete"), *refusal)
    for state in ("ready", "pending", "failed"):
        listed = api("GET", "/v1/assets", query_string={"space": place.space, "state": state}).get_json()
        assert listed["items"] == []


def test_after_a_refusal_it_may_be_sent_again(api, announce, jpeg):
    announced = announce(jpeg(75))
    send(announced, jpeg(75)[:-1] + b"?")
    send(announced, jpeg(75)[:9])
    assert api("POST", f"/v1/uploads/{announced['id']}/complete").status_code == 422
    send(announced, jpeg(75))
    assert api("POST", f"/v1/uploads/{announced['id']}/complete").status_code == 201


def test_what_is_ended_is_removed_with_what_was_sent(api, announce, jpeg, store, bucket_house, postgres, problem):
    never, sent, done = announce(b"x"), announce(jpeg(76)), announce(jpeg(77))
    send(sent, jpeg(76))
    send(done, jpeg(77))
    asset = api("POST", f"/v1/uploads/{done['id']}/complete").get_json()
    send(done, jpeg(78))  # after its completion
    fresh = announce(b"x")
    bucket_house.direct_uploads.remove_ended({})
    assert len(incoming(store)) >= 2
    end(postgres)
    assert bucket_house.direct_uploads.remove_ended({}) == {}
    assert incoming(store) == []
    for each in (never, sent, done, fresh):
        problem(api("POST", f"/v1/uploads/{each['id']}/complete"), 404, "not_found")
    assert api("GET", f"/v1/assets/{asset['id']}").status_code == 200


def test_limits_are_told_before_anything_is_sent(api, place, problem):
    for fields, refusal in [
        ({"size": 200 << 20}, (413, "upload_too_large", "size")),
        ({"size": 0}, (422, "invalid_field", "size")),
        ({"size": 9, "media_type": "image/jpeg\r\nX: y"}, (422, "invalid_field", "media_type")),
        ({"size": 9, "sha256": "no"}, (422, "invalid_field", "sha256")),
        ({"size": 9, "folder": "../x"}, (422, "invalid_field", "folder")),
        ({"size": 9, "space": "no-such"}, (404, "not_found", None)),
    ]:
        problem(api("POST", "/v1/uploads", json={"space": place.space, "name": "a.jpg"} | fields), *refusal)


def test_a_folder_takes_no_uploads_by_itself(app, house, problem):
    place = settle(house)
    one = Api(app, token(house, place.organization, place.tenant, SCOPES))
    answer = one("POST", "/v1/uploads", json={"space": place.space, "name": "a.jpg", "size": 9})
    problem(answer, 501, "not_offered")
    assert "/v1/assets" in answer.get_json()["detail"]
