"""Where pictures are kept is said once, and never changed under them."""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from mezzotint import registry, settings, wiring
from mezzotint.plugin_api import Storage
from mezzotint.standalone import settings_file, stores
from mezzotint.standalone.__main__ import write_settings
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.part import PartFailed
from mezzotint.standalone.parts import minio
from tests.servers import minio as minio_server
from tests.servers.installation import PATIENCE, Installation
from tests.servers.s3 import S3Server
from tests.strangers import install


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "var")
    layout.create()
    return layout


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    with minio_server.running(folder) as running:
        yield running


def start(layout: Layout, *flags: str) -> dict[str, settings.Store]:
    """The stores that a start with these flags uses."""
    parser = argparse.ArgumentParser()
    parser.set_defaults(host=None, port=None)
    stores.add_arguments(parser)
    write_settings(layout, parser.parse_args(flags))
    return settings.load(layout.settings_file, {}).stores


def storage(named: dict[str, settings.Store]) -> Storage:
    return wiring.storages(named, registry.load(["standard"]))["originals"]


def keep_something(named: dict[str, settings.Store]) -> None:
    storage(named).put("a", io.BytesIO(b"x"), size=1, content_type="image/jpeg")


def test_a_folder_unless_something_else_is_said(layout: Layout) -> None:
    assert {name: store.options for name, store in start(layout).items()} == {
        name: {"folder": str(layout.root / "store" / name)} for name in ("originals", "variants")
    }
    assert minio.part(layout, settings.load(layout.settings_file, {})) is None


def test_what_was_said_is_remembered(layout: Layout) -> None:
    said, later = start(layout, "--store", "minio"), start(layout)
    for one in (said, later):
        assert (one["originals"].kind, one["originals"].options["prefix"]) == ("minio", "originals")
    assert start(layout, "--store", "folder", "--store-moved")["originals"].kind == "filesystem"
    assert start(layout)["originals"].kind == "filesystem"


def test_a_given_server_is_used(layout: Layout, server: S3Server) -> None:
    storage({"originals": settings.Store("minio", server.options("pictures"))}).check()  # makes the bucket
    flags = ["--store", "s3", "--s3-endpoint", f"http://{server.endpoint}", "--s3-bucket", "pictures"]
    for name in ("access_key", "secret_key"):
        file = layout.root / name
        file.write_text(getattr(server, name))
        flags += [f"--s3-{name.replace('_', '-')}-file", str(file)]
    named = start(layout, *flags)
    storage(named).check()
    assert minio.part(layout, settings.load(layout.settings_file, {})) is None
    keep_something(named)
    assert start(layout) == named
    assert server.secret_key not in layout.settings_file.read_text()
    with pytest.raises(stores.CannotUse, match="kept in the bucket pictures"):
        start(layout, "--store", "folder")


def test_originals_are_not_left_behind_silently(layout: Layout) -> None:
    keep_something(start(layout))
    for _ in range(2):
        with pytest.raises(stores.CannotUse, match=r"kept in .*/originals, not in the bucket mezzotint: copy them"):
            start(layout, "--store", "minio")
    assert start(layout)["originals"].kind == "filesystem"
    assert start(layout, "--store", "minio", "--store-moved")["originals"].kind == "minio"
    # Away, so nobody knows what it holds.
    with pytest.raises(stores.CannotUse, match="kept in the bucket mezzotint"):
        start(layout, "--store", "folder")
    assert start(layout)["originals"].kind == "minio"


def test_the_operators_file_has_the_last_word(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mezzotint.toml"
    file.write_text(f'[stores.originals]\nkind = "filesystem"\nfolder = "{tmp_path}/own"\n')
    composed = settings_file.compose
    monkeypatch.setattr(settings_file, "compose", lambda *args, **named: composed(*args, **named, operators=file))
    assert start(layout)["originals"].options == {"folder": f"{tmp_path}/own"}
    with pytest.raises(Exception, match=r"conf/mezzotint\.toml says where pictures are kept"):
        start(layout, "--store", "minio")
    keep_something(start(layout))
    file.write_text("")
    with pytest.raises(stores.CannotUse, match="/own"):
        start(layout)


SHELF = """
from mezzotint.plugins.storages.filesystem import Filesystem


class Shelf(Filesystem):
    kind = "shelf"

    def __init__(self, *, board: str) -> None:
        super().__init__(folder=board)
"""


def test_a_strangers_store_is_not_left_behind_either(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "strangers_shelf", SHELF, room="storages")
    monkeypatch.syspath_prepend(tmp_path)
    operators, composed = tmp_path / "mezzotint.toml", settings_file.compose
    monkeypatch.setattr(settings_file, "compose", lambda *args, **named: composed(*args, **named, operators=operators))

    def use(board: str) -> None:
        operators.write_text(
            '[plugins]\nenabled = ["standard", "strangers_shelf"]\n'
            f'[stores.originals]\nkind = "shelf"\nboard = "{tmp_path}/{board}"\n'
        )
        start(layout)

    use("empty")
    use("full")
    (tmp_path / "full/a").write_bytes(b"x")
    with pytest.raises(stores.CannotUse, match="kept in a store of the kind shelf, not in a store of the kind shelf"):
        use("empty")
    use("full")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([], "needs --s3-endpoint, --s3-bucket, --s3-access-key-file, --s3-secret-key-file"),
        (["--s3-endpoint", "host:9000"], "needs --s3-bucket"),
        (
            [
                "--s3-endpoint",
                "host:9000",
                "--s3-bucket",
                "b",
                "--s3-access-key-file",
                "a",
                "--s3-secret-key-file",
                "s",
            ],
            "--s3-endpoint host:9000: is not of the form https://host:port",
        ),
    ],
)
def test_what_is_missing_is_told(layout: Layout, flags: list[str], told: str) -> None:
    with pytest.raises(stores.CannotUse, match=told):
        start(layout, "--store", "s3", *flags)


def test_a_mistake_in_the_store_is_told_at_the_shell() -> None:
    flags = ["--s3-endpoint", "https://host", "--s3-bucket", "b", "--s3-access-key-file", "/no", "--s3-secret-key-file"]
    with Installation("--store", "s3", *flags, "/no", only=["redis"]).prepared() as refused:
        assert refused.launch().wait(PATIENCE) == 1
        assert refused.output.read_text().splitlines()[0].startswith("mezzotint: stores.originals: ")
        assert "Traceback" not in refused.output.read_text()


def test_without_go_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "go"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("MEZZOTINT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(PartFailed, match=r"minio can't be built .* install Go 1\.25 or newer"):
        minio.command(tmp_path, "127.0.0.1:9")
