"""What every answer carries, whatever was asked and whatever came of it."""

from collections.abc import Callable

import pytest
import requests

from tests.imaging.pictures import gradient
from tests.journeys.conftest import Home
from tests.servers.installation import Stack

Ask = Callable[[], requests.Response]


@pytest.fixture(scope="module")
def matrix(home: Home, stack: Stack) -> dict[str, requests.Response]:
    """An answer of each kind: who gives it, and its status."""
    asset, hidden = home.asset(seed=900), home.asset(seed=901, access="private")
    url, signed = home.url(asset, "w_50.jpg"), home.sign(home.url(hidden, "w_50.jpg", access="priv"))
    first = requests.get(url)
    document = home.upload(bytes(gradient(78, 20).tiffsave_buffer()), name="scan.tif").json()
    control, base = stack.control, stack.base_url
    get = requests.get
    return {
        "MISS": first,
        "HIT": get(url),
        "HEAD": requests.head(url),
        "304": get(url, headers={"If-None-Match": first.headers["ETag"]}),
        "206": get(url, headers={"Range": "bytes=0-9"}),
        "416": get(url, headers={"Range": "bytes=9999999-"}),
        "fmt_auto": get(home.url(asset, "w_51-fmt_auto.jpg"), headers={"Accept": "image/webp"}),
        "fmt_auto again": get(home.url(asset, "w_51-fmt_auto.jpg"), headers={"Accept": "image/webp"}),
        "info": get(home.url(asset, "info.json")),
        "signed": get(signed),
        "signed again": get(signed),
        "download": get(signed + "&download=%22%3Cscript%3E%0d%0aX-Evil:1"),
        "original": get(home.sign(home.url(hidden, "original.jpg", access="priv"))),
        "document": get(home.sign(home.url(document, "original.tiff", access="priv"))),
        "unsigned": get(signed.partition("?")[0]),
        "forged": get(signed.replace("sig=", "sig=x")),
        "unknown operation": get(home.url(asset, "zoom_2.jpg")),
        "not a path": get(f"{base}/v1/pub/x"),
        "too long a path": get(f"{base}/v1/pub/{'x' * 2000}"),
        "no such asset": get(home.url({"id": "01JBXYZ7N8Q4W2V6M3K5T9R0AE"}, "w_50.jpg")),
        "POST to a picture": requests.post(url),
        "unknown host": get(url, headers={"Host": "evil.example"}),
        "root": get(f"{base}/"),
        "livez": get(f"{base}/livez"),
        "readyz": get(f"{base}/readyz"),
        "no key": get(f"{base}/v1/organizations"),
        "list": control.get(f"{base}/v1/organizations"),
        "created": home.upload(bytes(gradient(77, 20).jpegsave_buffer())),
        "deleted": control.delete(f"{base}/v1/assets/{home.asset(seed=902)['id']}"),
        "no such thing": control.get(f"{base}/v1/presets/01JBXYZ7N8Q4W2V6M3K5T9R0AE"),
        "no such route": control.get(f"{base}/v1/nothing"),
        "wrong method": control.put(f"{base}/v1/organizations"),
        "no picture": home.upload(b"<svg onload='alert(1)'/>"),
        "too large a body": control.post(f"{base}/v1/organizations", data=bytes(2 * 1024**2)),
        "broken request": get(f"{base}/v1/pub/%00"),
        "alone": get(f"{base}/edge/livez"),
    }


def test_browsers_are_told_to_be_wary(matrix: dict[str, requests.Response]):
    for kind, answer in matrix.items():
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", kind
        assert "default-src 'none'" in headers["Content-Security-Policy"], kind
        assert "sandbox" in headers["Content-Security-Policy"], kind
        assert headers["Cross-Origin-Resource-Policy"] in ("cross-origin", "same-origin"), kind
        assert "text/html" not in headers.get("Content-Type", ""), kind


def test_each_header_is_said_once(matrix: dict[str, requests.Response]):
    for kind, answer in matrix.items():
        names = [name.lower() for name in answer.raw.headers]
        assert len(names) == len(set(names)), (kind, sorted(names))


def test_nobody_tells_what_runs_here(matrix: dict[str, requests.Response]):
    for kind, answer in matrix.items():
        assert answer.headers["Server"] == "nginx", kind
        assert not {"X-Powered-By", "Via", "X-AspNet-Version"} & answer.headers.keys(), kind
        assert not any(name.startswith(("X-Accel", "X-Mezzotint")) for name in answer.headers), kind
        assert "X-Evil" not in answer.headers, kind


def test_only_pictures_are_kept_by_caches(matrix: dict[str, requests.Response]):
    for kind, answer in matrix.items():
        kept = answer.headers["Cache-Control"]
        if answer.headers.get("Content-Type") == "application/problem+json":
            # Of the delivery's own 404 alone, for two seconds, as an edge does itself.
            assert kept == "no-store" or (answer.status_code == 404 and kept == "public, max-age=2"), kind
            assert answer.status_code >= 400, kind
        elif kind in ("signed", "signed again", "download", "original", "document"):
            assert kept.startswith("private, max-age="), kind
        elif "/v1/pub/" in answer.url:
            assert kept == "public, max-age=31536000, immutable", kind
        else:
            assert kept == "no-store", kind


def test_answers_vary_where_they_do(matrix: dict[str, requests.Response]):
    varying = {kind: answer.headers["Vary"] for kind, answer in matrix.items() if "Vary" in answer.headers}
    assert varying == {"fmt_auto": "Accept", "fmt_auto again": "Accept"}


def test_what_a_401_asks_for(matrix: dict[str, requests.Response]):
    assert matrix["no key"].status_code == 401
    assert matrix["no key"].headers["WWW-Authenticate"].startswith("Bearer ")


def test_saving_is_said_of_what_is_to_be_saved(matrix: dict[str, requests.Response]):
    assert matrix["download"].headers["Content-Disposition"].startswith("attachment; ")
    assert matrix["document"].headers["Content-Type"] == "image/tiff"
    assert matrix["document"].headers["Content-Disposition"] == 'attachment; filename="scan.tiff"'
    assert matrix["HIT"].headers["Content-Disposition"] == 'inline; filename="picture.jpg"'


def test_the_matrix_has_every_status(matrix: dict[str, requests.Response]):
    seen = {answer.status_code for answer in matrix.values()}
    assert {200, 201, 204, 206, 304, 400, 401, 404, 405, 413, 414, 415, 416, 421} <= seen
