"""The main job with everything in a MinIO of the installation's own."""

import signal
from collections.abc import Iterator

import pytest
import requests

from mezzotint.plugin_api import Storage
from tests.journeys.conftest import Home, picture
from tests.journeys.stored_pictures import StoredPictures, lose_from_the_cache, sent, stores_of
from tests.journeys.waiting import until, until_status
from tests.servers.installation import Installation, Stack, free_port
from tests.servers.minio import program


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    running = Installation("--store", "minio", port=free_port(), programs=[program()])
    with running as installation, requests.Session() as control:
        control.headers["X-API-Key"] = (installation.folder / "secrets/api_key").read_text().strip()
        base_url = installation.settings()["public"]["base_url"]
        yield Stack(base_url, control, installation.folder, installation.part, installation.output)


@pytest.fixture(scope="module")
def stores(stack: Stack) -> dict[str, Storage]:
    return stores_of(stack)


class TestStored(StoredPictures):
    """From the bucket."""


def test_originals_and_variants_live_in_the_bucket(home: Home, stores: dict[str, Storage]):
    before = {name: {found.key for found in store.list()} for name, store in stores.items()}
    data = picture(seed=60)
    asset = home.upload(data).json()
    assert requests.get(home.url(asset, "w_120.webp")).status_code == 200
    added = {name: [one for one in store.list() if one.key not in before[name]] for name, store in stores.items()}
    (original,) = added["originals"]
    assert stores["originals"].get(original.key) == data
    assert [stores["variants"].stat(variant.key).content_type for variant in added["variants"]] == ["image/webp"]
    assert not (home.stack.folder / "store").exists()


def test_objects_are_encrypted_at_rest_and_kept_from_strangers(home: Home, stores: dict[str, Storage]):
    home.asset(seed=61)
    (url,) = {stores["originals"].presigned_get(one.key, seconds=60) for one in list(stores["originals"].list())[:1]}
    assert url is not None
    answer = requests.get(url)
    assert (answer.status_code, answer.headers["x-amz-server-side-encryption"]) == (200, "AES256")
    assert requests.get(url.partition("?")[0]).status_code == 403


def test_private_pictures_and_originals(home: Home):
    data = picture(seed=62)
    asset = home.upload(data, access="private").json()
    url = home.url(asset, "w_130.jpg", access="priv")
    assert requests.get(url).status_code == 401
    assert requests.get(home.sign(url)).headers["Content-Type"] == "image/jpeg"
    assert requests.get(home.sign(home.url(asset, "original.jpg", access="priv"))).content == data


def test_a_picture_may_be_sent_straight_to_the_store(home: Home):
    data = picture(seed=65)
    body = {**home.place, "name": "direct.jpg", "size": len(data), "media_type": "image/jpeg"}
    announced = home.post("/v1/uploads", body).json()
    assert requests.put(announced["url"], data, headers=announced["headers"]).status_code == 200
    completed = home.post(f"/v1/uploads/{announced['id']}/complete")
    assert completed.status_code == 201, completed.text
    assert requests.get(home.url(completed.json(), "w_160.jpg")).status_code == 200


def test_a_deleted_picture_is_gone(home: Home):
    asset = home.asset(seed=63)
    url = home.url(asset, "w_140.jpg")
    assert requests.get(url).status_code == 200
    assert home.stack.control.delete(f"{home.stack.base_url}/v1/assets/{asset['id']}").status_code == 204
    until(lambda: requests.get(url).status_code == 404)


def test_while_it_hangs_its_pictures_are_refused_and_kept_by_nobody(home: Home):
    asset = home.asset(seed=66)
    made = requests.get(url := home.url(asset, "w_170.jpg"))
    lose_from_the_cache(home, asset)
    minio = home.stack.part("minio")
    minio.kill(signal.SIGSTOP)
    try:
        refused = requests.get(url)
        assert sent(home, refused) == [(True, 200), (False, 503)]
    finally:
        minio.kill(signal.SIGCONT)
    assert (refused.status_code, refused.json()["detail"]) == (503, "the store does not answer")
    assert (refused.headers["X-Cache"], refused.headers["Cache-Control"]) == ("MISS", "no-store")
    again = until_status(url, 200)
    assert (again.headers["X-Cache"], again.content) == ("MISS", made.content)
    until_status(f"{home.stack.base_url}/readyz", 200)


def test_after_a_killed_minio_all_is_there(home: Home):
    data = picture(seed=64)
    asset = home.upload(data).json()
    home.stack.part("minio").kill()
    url = home.url(asset, "w_150.jpg")
    until(lambda: requests.get(url).status_code == 200)
    original = home.sign(home.url(asset, "original.jpg", access="priv"))
    until(lambda: requests.get(original).content == data)
