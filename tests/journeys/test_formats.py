"""Formats that are decoded apart, from upload to delivery."""

import io
import struct

import pillow_heif
import pytest
import pyvips
import requests

from tests.journeys.conftest import Home, picture


def bmp() -> bytes:
    image = pyvips.Image.new_from_buffer(picture(64, 48), "")
    rows = image[2].bandjoin([image[1], image[0]]).flip("vertical").write_to_memory()
    header = struct.pack("<IiiHHIIiiII", 40, 64, 48, 1, 24, 0, len(rows), 0, 0, 0, 0)
    return struct.pack("<2sIII", b"BM", 54 + len(rows), 0, 54) + header + rows


def heic() -> bytes:
    image = pyvips.Image.new_from_buffer(picture(640, 480), "")
    written = io.BytesIO()
    pillow_heif.encode("RGB", (640, 480), image.write_to_memory(), written, quality=90)
    return written.getvalue()


def tiff() -> bytes:
    return pyvips.Image.new_from_buffer(picture(64, 48), "").tiffsave_buffer(compression="lzw")


@pytest.mark.parametrize("make", [bmp, heic, tiff])
def test_what_is_decoded_apart_is_an_asset_like_any_other(home: Home, make) -> None:
    data, name = make(), make.__name__
    answer = home.upload(data, f"picture.{name}", access="public")
    assert answer.status_code == 201, answer.text
    asset = answer.json()
    assert asset["format"] == name
    shown = requests.get(home.url(asset, "w_32-h_24.webp"))
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/webp")
    info = requests.get(home.url(asset, "info.json")).json()
    assert (info["format"], info["width"] / info["height"]) == (name, 4 / 3)
    assert requests.get(home.url(asset, f"original.{name}")).status_code == 404, "originals want a signature"
    original = requests.get(home.sign(home.url(asset, f"original.{name}", "priv")))
    assert original.content == data
    assert requests.get(home.url(asset, f"w_32.{name}")).status_code == 400


def test_what_is_not_let_in_is_refused(home: Home) -> None:
    for data in (b"%PDF-1.7\n", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'):
        answer = home.upload(data)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_type")
