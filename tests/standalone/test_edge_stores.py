"""Which stores the edge fetches from by itself: all that it can, or those named; what can't be is refused."""

from pathlib import Path
from typing import Any

import pytest

from mezzotint import settings
from mezzotint.settings import SettingsError
from mezzotint.standalone import edge_image, settings_file
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.parts import edge

BUCKET = {"kind": "minio", "bucket": "things", "access_key": "a", "secret_key": "b"}


def stores(folder: Path, variants: dict[str, Any] | None = None, **of_edge: Any) -> tuple[str, ...]:
    layout = Layout(folder)
    layout.create()
    named = {
        "originals": {"kind": "filesystem", "folder": str(folder / "originals")},
        "variants": variants or {"kind": "filesystem", "folder": str(folder / "variants")},
    }
    tables = settings_file.merge(settings_file.compose(layout, stores=named), {"edge": of_edge})
    return edge.stores(settings.parse(tables))


def test_all_that_lie_in_folders_or_on_servers(tmp_path: Path) -> None:
    originals = f"originals=file://{tmp_path}/originals"
    assert stores(tmp_path) == (originals, f"variants=file://{tmp_path}/variants")
    for place, url in {
        ("127.0.0.1:9000", False): "http://127.0.0.1:9000",
        ("s3.example.com:9000", True): "https://s3.example.com:9000",
        ("s3.example.com:443", True): "https://s3.example.com",
        ("s3.eu-west-1.amazonaws.com", True): "https://things.s3.eu-west-1.amazonaws.com",
    }.items():
        endpoint, secure = place
        variants = BUCKET | {"endpoint": endpoint, "secure": secure, "region": "eu-west-1"}
        assert stores(tmp_path, variants) == (originals, f"variants={url}")


@pytest.mark.parametrize(
    "variants",
    [
        {"kind": "memory"},
        BUCKET | {"endpoint": "10.0.0.9:9000", "secure": True},  # whose certificate nginx could not judge
        {"kind": "filesystem", "folder": "a $folder"},  # which nginx would take for a variable
    ],
)
def test_the_origin_sends_what_else_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variants: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert stores(tmp_path, variants) == (f"originals=file://{tmp_path}/originals",)


def test_none_where_origins_are_elsewhere_unless_they_are_named(tmp_path: Path) -> None:
    assert stores(tmp_path, origins=["10.0.0.2:8000"]) == ()
    named = ["variants=file:///mnt/pictures/variants"]
    assert stores(tmp_path, origins=["10.0.0.2:8000"], stores=named) == tuple(named)
    assert stores(tmp_path, stores=[]) == ()


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("variants", "is not NAME=file:///folder, NAME=http://host:port or NAME=https://host"),
        ("variants=/folder", "is not NAME=file:///folder"),
        ("variants=file:///folder/", "is not NAME=file:///folder"),
        ("variants=file://folder", "is not NAME=file:///folder"),
        ("variants=file:///a$b", "is not NAME=file:///folder"),
        ("variants=https://host/path", "is not NAME=file:///folder"),
        ("variants=https://user@host", "is not NAME=file:///folder"),
        ("variants=ftp://host", "is not NAME=file:///folder"),
        ("a b=https://host", "is not NAME=file:///folder"),
        ("others=https://host", "there is no store of this name"),
        ("variants=https://127.0.0.1:9000", "nginx holds certificates against names, not against addresses"),
        ("variants=https://[::1]", "nginx holds certificates against names, not against addresses"),
        ("variants=http://elsewhere:9000", "the store is at http://s3.example.com:9000"),
        ("variants=file:///folder", "the store is at http://s3.example.com:9000"),
        ("originals=http://s3.example.com:9000", "the store is at file:///"),
    ],
)
def test_what_can_not_work_is_told(tmp_path: Path, store: str, told: str) -> None:
    variants = BUCKET | {"endpoint": "s3.example.com:9000", "secure": False}
    with pytest.raises(SettingsError) as caught:
        stores(tmp_path, variants, stores=[store])
    assert str(caught.value).startswith(f"edge.stores: {store}: {told}")


def test_every_mistake_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        stores(tmp_path, {"kind": "memory"}, stores=["variants=file:///x", "x", "originals=file:///y"] * 2)
    lines = str(caught.value).splitlines()
    assert lines[0] == "edge.stores: variants=file:///x: what it holds can be had from the origin alone"
    assert lines[-1] == "edge.stores: a store is named twice"
    assert len(lines) == 5


def test_a_container_is_told_by_its_environment(tmp_path: Path) -> None:
    given = dict.fromkeys(edge_image.NEEDED, "x") | {"SECURITY__SEAL_KEY_FILE": str(tmp_path / "key")}
    (tmp_path / "key").touch()
    assert edge_image.edge(given, tmp_path).stores == ()
    given["EDGE__STORES"] = "originals=file:///mnt/o,variants=https://s3.example.com"
    assert edge_image.edge(given, tmp_path).stores == ("originals=file:///mnt/o", "variants=https://s3.example.com")
