"""Upload once, ask by URL, get it from the nearest cache."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pyvips
import requests

from tests.journeys.conftest import Home, picture
from tests.journeys.waiting import until, whole_lines


def size_of(answer: requests.Response) -> tuple[int, int]:
    image = pyvips.Image.new_from_buffer(answer.content, "")
    return image.width, image.height


def test_a_picture_is_made_once_and_then_served_by_the_edge_alone(home: Home):
    asset = home.asset(seed=1)
    first = requests.get(home.url(asset, "w_100-h_80.webp"))
    assert (first.status_code, first.headers["X-Cache"], first.headers["Content-Type"]) == (200, "MISS", "image/webp")
    assert size_of(first) == (100, 80)
    second = requests.get(home.url(asset, "h_80-w_0100-f_cover-q_85.webp"))
    assert second.headers["X-Cache"] == "HIT"
    assert (second.content, second.headers["ETag"]) == (first.content, first.headers["ETag"])
    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert first.headers["Access-Control-Allow-Origin"] == "*"


def test_hits_go_out_while_the_origin_is_dead(home: Home):
    asset = home.asset(seed=2)
    url = home.url(asset, "w_90.jpg")
    assert requests.get(url).headers["X-Cache"] == "MISS"
    killed = home.stack.part("origin")
    killed.kill()
    assert requests.get(url).headers["X-Cache"] == "HIT"
    # Its workers may answer a moment longer, so the supervisor says when there is a new one.
    until(lambda: (origin := home.stack.part("origin")).deaths > killed.deaths and origin.ready)


def test_the_same_bytes_again_are_the_same_asset(home: Home):
    asset = home.asset(seed=3)
    again = home.upload(picture(seed=3), name="other.jpg")
    assert (again.status_code, again.json()["id"]) == (200, asset["id"])
    assert home.upload(picture(seed=3), access="private").status_code == 201


def test_ranges_conditions_and_head(home: Home):
    url = home.url(home.asset(seed=4), "w_200.png")
    first = requests.head(url)
    assert (first.status_code, first.headers["X-Cache"], first.content) == (200, "MISS", b"")
    # Its answer is out before the picture has come to the edge.
    head = until(lambda: (again := requests.head(url)).headers["X-Cache"] == "HIT" and again)
    assert (head.status_code, head.content) == (200, b"")
    whole = requests.get(url)
    part = requests.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    same = requests.get(url, headers={"If-None-Match": whole.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_the_client_chooses_the_format(home: Home):
    url = home.url(home.asset(seed=5), "f_auto-w_64.jpg")
    types = {}
    for accept in ("image/avif,image/webp,*/*", "image/webp", "*/*", "image/webp;q=0.2, text/html"):
        answer = requests.get(url, headers={"Accept": accept})
        types[accept] = (answer.headers["Content-Type"], answer.headers["X-Cache"], answer.headers["Vary"])
    assert list(types.values()) == [
        ("image/avif", "MISS", "Accept"),
        ("image/webp", "MISS", "Accept"),
        ("image/jpeg", "MISS", "Accept"),
        ("image/webp", "HIT", "Accept"),
    ]


def test_info_and_original(home: Home):
    data = picture(seed=6)
    asset = home.upload(data).json()
    info = requests.get(home.url(asset, "info.json")).json()
    assert (info["width"], info["height"], info["format"], info["frames"]) == (640, 480, "jpg", 1)
    assert requests.get(home.url(asset, "original.jpg")).status_code == 404
    signed = home.sign(home.url(asset, "original.jpg", access="priv"))
    original = requests.get(signed)
    assert original.content == data
    saved = requests.get(f"{signed}&download=caf%C3%A9.jpg")
    assert saved.headers["Content-Disposition"].startswith("attachment;")


def test_fifty_clients_at_once_cause_one_render(home: Home):
    asset = home.asset(seed=7)
    log = home.stack.folder / "log" / "renderers.log"

    def renders() -> int:
        return log.read_text().count('"kind": "render"')

    before = renders()
    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(requests.get, [home.url(asset, "w_321-sharpen_2-blur_3.avif")] * 50))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    until(lambda: renders() > before)  # a renderer's master hears of it after the client
    assert renders() - before == 1


def test_a_new_version_is_another_picture(home: Home):
    asset = home.asset(seed=8)
    answer = home.stack.control.post(
        f"{home.stack.base_url}/v1/assets/{asset['id']}/versions", files={"file": ("new.jpg", picture(300, 200, 9))}
    )
    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    assert size_of(requests.get(home.url(asset, "w_500.jpg"))) == (500, 375)
    assert size_of(requests.get(home.url(asset, "w_500.jpg").replace("/v1/w_", "/v2/w_"))) == (300, 200)


def test_logs_of_edge_and_origin_tell_of_the_same_request(home: Home):
    answer = requests.get(home.url(home.asset(seed=10), "w_77.jpg"))
    told = []
    for part in ("access", "origin"):
        log = home.stack.folder / "log" / f"{part}.log"
        [line] = until(lambda log=log: [line for line in whole_lines(log) if answer.headers["X-Request-Id"] in line])
        told.append({name: json.loads(line)[name] for name in ("request_id", "organization", "tenant", "variant")})
    assert told[0] == told[1]
    assert (told[0]["organization"], told[0]["tenant"]) == (home.organization, home.tenant)
    assert told[0]["variant"]


def test_a_picture_streamed_in_is_bounded_on_its_way(home: Home):
    level = f"/v1/organizations/{home.organization}/tenants/{home.tenant}/spaces/{home.space}/policy"
    answer = home.stack.control.put(home.stack.base_url + level, json={"max_upload_bytes": 100_000})
    assert answer.status_code == 200, answer.text
    refused = home.upload(io.BytesIO(b"\xff\xd8\xff" + bytes(200_000)).read())
    assert (refused.status_code, refused.json()["code"]) == (413, "upload_too_large")
    home.stack.control.put(home.stack.base_url + level, json={})
