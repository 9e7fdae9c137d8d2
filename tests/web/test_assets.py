"""Uploading, finding and taking away assets."""

import io

import pytest
from werkzeug.test import EnvironBuilder

BOUNDARY = "frontier"


def multipart(*parts: tuple[str, str | None, bytes], end: bytes = b"--\r\n") -> dict:
    """A body of (name, file name or None, data), in this order."""
    data = b""
    for name, file_name, content in parts:
        file = f'; filename="{file_name}"' if file_name is not None else ""
        data += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
        )
    data += f"--{BOUNDARY}".encode() + end
    return {"data": data, "content_type": f"multipart/form-data; boundary={BOUNDARY}"}


def test_a_picture_is_uploaded_and_read(tenant, place, jpeg):
    answer = tenant.upload(jpeg(), space=place.space, tags="red, blue", folder="a/b", file_name="pictures/sun set.jpg")
    asset = answer.get_json()
    assert answer.status_code == 201
    assert {name: asset[name] for name in ("organization", "tenant", "space")} == place.fields
    assert (asset["state"], asset["access"], asset["version"]) == ("ready", "public", 1)
    assert (asset["media_type"], asset["format"], asset["width"], asset["height"]) == ("image/jpeg", "jpeg", 64, 48)
    assert (asset["bytes"], asset["tags"], asset["folder"]) == (len(jpeg()), ["red", "blue"], "a/b")
    assert asset["name"] == "sun set.jpg"
    assert asset["urls"]["info"].endswith(f"/v1/pub/{place.path}/img/{asset['id']}/v1/info.json")
    read = tenant("GET", f"/v1/assets/{asset['id'].lower()}").get_json()
    assert {name: read[name] for name in asset} == asset
    assert [version["version"] for version in read["versions"]] == [1]


def test_a_second_upload_finds_the_first(tenant, place, jpeg):
    first = tenant.upload(jpeg(), space=place.space)
    second = tenant.upload(jpeg(), space=place.space, tags="other", file_name="other.png")
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.get_json() == first.get_json()
    assert tenant.upload(jpeg(), space=place.space, access="private").status_code == 201


def test_a_new_version(tenant, place, jpeg):
    path = f"/v1/assets/{tenant.upload(jpeg(), space=place.space).get_json()['id']}/versions"
    second = tenant.upload(jpeg(80), path, name="second.jpg")
    assert (second.status_code, second.get_json()["version"], second.get_json()["width"]) == (201, 2, 80)
    assert second.get_json()["name"] == "second.jpg"
    assert "/v2/" in second.get_json()["urls"]["template"]
    assert tenant.upload(jpeg(80), path).status_code == 200


def test_wider_keys_say_where(operator, api, place, neighbour, jpeg, problem):
    organization = api(place.organization)
    problem(operator.upload(jpeg(), space=place.space), 422, "invalid_field", "organization")
    problem(organization.upload(jpeg(), space=place.space), 422, "invalid_field", "tenant")
    assert operator.upload(jpeg(), **place.fields).status_code == 201
    assert organization.upload(jpeg(), space=place.space, tenant=place.tenant).status_code == 200
    problem(organization.upload(jpeg(), space=place.space, tenant=neighbour.tenant), 404, "not_found")


@pytest.mark.parametrize("before", [True, False], ids=["space before file", "space behind file"])
def test_too_large_an_upload_is_cut_off(operator, tenant, place, problem, before):
    path = f"/v1/organizations/{place.organization}/tenants/{place.tenant}/spaces/{place.space}/policy"
    operator("PUT", path, json={"max_upload_bytes": 1000})
    parts = [("space", None, place.space.encode()), ("file", "a.jpg", bytes(1001))]
    problem(
        tenant("POST", "/v1/assets", **multipart(*(parts if before else parts[::-1]))), 413, "upload_too_large", "file"
    )


def test_too_large_an_upload_is_not_read_to_its_end(operator, tenant, place, app):
    path = f"/v1/organizations/{place.organization}/tenants/{place.tenant}/spaces/{place.space}/policy"
    operator("PUT", path, json={"max_upload_bytes": 1000})
    body = multipart(("space", None, place.space.encode()), ("file", "a.jpg", bytes(10_000_000)))
    stream = io.BytesIO(body["data"])
    builder = EnvironBuilder(
        "/v1/assets", method="POST", headers={"X-API-Key": tenant.token}, input_stream=stream,
        content_length=len(body["data"]), content_type=body["content_type"],
    )  # fmt: skip
    assert app.test_client().open(builder).status_code == 413
    assert stream.tell() < 1_000_000


SPACE, PICTURE = ("space", None, b"SPACE"), ("file", "a.jpg", b"JPEG")


@pytest.mark.parametrize(
    ("parts", "status", "code", "field"),
    [
        ([SPACE], 422, "invalid_field", "file"),
        ([PICTURE], 422, "invalid_field", "space"),
        ([SPACE, ("file", None, b"JPEG")], 422, "invalid_field", "file"),
        ([SPACE, ("picture", "a.jpg", b"JPEG")], 422, "invalid_field", "picture"),
        ([SPACE, PICTURE, PICTURE], 422, "invalid_field", "file"),
        ([SPACE, SPACE, PICTURE], 422, "invalid_field", "space"),
        ([SPACE, ("colour", None, b"red"), PICTURE], 422, "invalid_field", "colour"),
        ([SPACE, ("access", None, b"all"), PICTURE], 422, "invalid_field", "access"),
        ([SPACE, ("folder", None, b"a/../b"), PICTURE], 422, "invalid_field", "folder"),
        ([SPACE, ("tags", None, b"x" * 65), PICTURE], 422, "invalid_field", "tags"),
        ([SPACE, ("tags", None, b"\xff"), PICTURE], 422, "invalid_field", "tags"),
        ([SPACE, ("file", "", b"JPEG")], 422, "invalid_field", "name"),
        ([SPACE, ("file", "a.jpg", b"")], 422, "invalid_field", "file"),
        ([SPACE, ("file", "a.jpg", b"GIF89a not a gif")], 422, "picture_refused", "file"),
        ([SPACE, ("file", "a.jpg", b"#!/bin/sh")], 415, "unsupported_type", "file"),
        ([("space", None, b"nowhere"), PICTURE], 404, "not_found", None),
        ([("space", None, b"x" * 70_000), PICTURE], 400, "bad_request", None),
        ([(f"f{number}", None, b"") for number in range(100)], 400, "bad_request", None),
    ],
)
def test_what_is_wrong_with_a_form_is_named(tenant, place, jpeg, problem, parts, status, code, field):
    words = {b"SPACE": place.space.encode(), b"JPEG": jpeg()}
    answer = tenant(
        "POST", "/v1/assets", **multipart(*[(name, file, words.get(data, data)) for name, file, data in parts])
    )
    problem(answer, status, code, field)
    assert tenant("GET", f"/v1/assets?space={place.space}").get_json()["items"] == []


FORM = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"space": "x"}},
        {"data": b" ", "content_type": "multipart/form-data"},
        {"data": b" ", "content_type": FORM},
        {"data": b"x" * 1_000_000, "content_type": FORM},
        multipart(("file", "a.jpg", b"data"), end=b""),
        {"data": f"--{BOUNDARY}\r\n\r\nx\r\n--{BOUNDARY}--".encode(), "content_type": FORM},
    ],
    ids=["json", "no boundary", "empty", "no parts", "broken off", "no disposition"],
)
def test_what_is_no_form_is_refused(tenant, problem, body):
    problem(tenant("POST", "/v1/assets", **body), 400, "bad_request")


@pytest.fixture
def many(tenant, place, jpeg):
    """Five assets, oldest first."""
    return [
        tenant.upload(jpeg(width), space=place.space, tags=tag, folder=folder).get_json()["id"]
        for width, tag, folder in [(64, "a", ""), (65, "b", "x"), (66, "a,b", "x"), (67, "", "x/y"), (68, "", "")]
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [("", [4, 3, 2, 1, 0]), ("&tag=a", [2, 0]), ("&folder=x", [2, 1]), ("&folder=x&tag=a", [2]), ("&folder=", [4, 0]),
     ("&state=failed", [])],
)  # fmt: skip
def test_assets_are_found(tenant, place, many, query, found):
    items = tenant("GET", f"/v1/assets?space={place.space}{query}").get_json()["items"]
    assert [item["id"] for item in items] == [many[number] for number in found]


def test_a_cursor_holds_while_assets_come_and_go(tenant, place, many, jpeg):
    path = f"/v1/assets?space={place.space}&limit=2"
    first = tenant("GET", path).get_json()
    assert [item["id"] for item in first["items"]] == [many[4], many[3]]
    tenant.upload(jpeg(99), space=place.space)
    tenant("DELETE", f"/v1/assets/{many[3]}")
    tenant("DELETE", f"/v1/assets/{many[2]}")
    second = tenant("GET", f"{path}&cursor={first['next']}").get_json()
    assert [item["id"] for item in second["items"]] == [many[1], many[0]]
    assert second["next"] is None


def test_a_deleted_asset_is_gone(tenant, place, jpeg, problem):
    path = f"/v1/assets/{tenant.upload(jpeg(), space=place.space).get_json()['id']}"
    assert tenant("DELETE", path).status_code == 204
    for method in ("GET", "DELETE"):
        problem(tenant(method, path), 404, "not_found")


def test_an_asset_is_invalidated(tenant, place, jpeg):
    asset = tenant.upload(jpeg(), space=place.space).get_json()["id"]
    answers = [tenant("POST", f"/v1/assets/{asset.lower()}/invalidate").get_json() for _ in range(2)]
    assert answers == [{"id": asset, "generation": 1}, {"id": asset, "generation": 2}]


def test_another_s_asset_is_not_found_like_what_is_missing(tenant, api, neighbour, jpeg):
    theirs = api(neighbour.organization, neighbour.tenant).upload(jpeg(), space=neighbour.space).get_json()["id"]
    for method, tail in [("GET", ""), ("DELETE", ""), ("POST", "/invalidate"), ("POST", "/versions")]:
        answers = [
            tenant(method, f"/v1/assets/{asset}{tail}").get_json() | {"request_id": None}
            for asset in (theirs, "01JBXYZ7N8Q4W2V6M3K5T9R0AE", "nothing")
        ]
        assert [answer["code"] for answer in answers] == ["not_found"] * 3
        assert answers[0] == answers[1] == answers[2]
