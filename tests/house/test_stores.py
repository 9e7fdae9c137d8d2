"""Stores as settings name them: what is wrong is told in a line that says where; what is away does not matter yet."""

from pathlib import Path
from typing import Any

import pytest

from mezzotint import registry, wiring
from mezzotint.plugin_api import Storage, StoreUnavailable
from mezzotint.registry import PluginError
from mezzotint.settings import SettingsError, Store


def storages(**stores: dict[str, Any]) -> dict[str, Storage]:
    return wiring.storages(
        {name: Store(table.pop("kind"), table) for name, table in stores.items()}, registry.load(["standard"])
    )


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            {"kind": "filesystem", "foldr": "/x"},
            "stores.originals: missing a required argument: 'folder'",
        ),
        (
            {"kind": "filesystem", "folder": "/x", "mode": 1},
            "stores.originals: got an unexpected keyword argument 'mode'",
        ),
        ({"kind": "minio", "endpoint": "h:1", "bucket": "things"}, "stores.originals: access_key or access_key_file"),
        (
            {"kind": "minio", "endpoint": "h:1", "bucket": "b", "access_key_file": "/no", "secret_key": "s"},
            "stores.originals: [Errno 2] No such file or directory: '/no'",
        ),
        ({"kind": "filesystem", "folder": 5}, "stores.originals: "),
    ],
)
def test_a_mistake_is_told_in_one_line(table: dict[str, Any], told: str):
    with pytest.raises(SettingsError) as caught:
        storages(originals=table)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(SettingsError) as caught:
        storages(originals={"kind": "filesystem"}, variants={"kind": "memory", "size": 1})
    first, second = str(caught.value).splitlines()
    assert first.startswith("stores.originals: ")
    assert second == "stores.variants: got an unexpected keyword argument 'size'"


def test_an_unknown_kind_is_told_with_a_hint():
    with pytest.raises(PluginError, match="did you mean 'minio'"):
        storages(originals={"kind": "mino"})


def test_stores_that_are_away_stop_no_start(tmp_path: Path):
    (tmp_path / "file").touch()
    bucket = {"endpoint": "127.0.0.1:9", "bucket": "things", "access_key": "a", "secret_key": "b"}
    made = storages(
        originals={"kind": "filesystem", "folder": str(tmp_path / "file" / "folder")},
        variants={"kind": "minio", **bucket},
    )
    for store in made.values():
        with pytest.raises(StoreUnavailable):
            store.check()
