"""Where an installation keeps its pictures: said once with --store, remembered, and never changed under its data."""

import socket
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mezzotint import registry, settings, wiring
from mezzotint.plugin_api import StoreUnavailable
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.parts import minio
from mezzotint.standalone.secrets_folder import write_private
from mezzotint.standalone.settings_file import Tables, dump

NAMES = ("originals", "variants")
REMEMBERED = "store.toml"
_TELLING = {"filesystem": ("folder",), "minio": ("endpoint", "bucket", "prefix")}
"""the options of the stores made here that say where objects lie; of a stranger's, any may"""


class CannotUse(Exception):
    """The store asked for; one line that says what to do."""


def add_arguments(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("where pictures are kept", "said once: later starts remember it")
    group.add_argument("--store", choices=("folder", "minio", "s3"), help="in the data folder, in a MinIO of its own …")
    group.add_argument("--s3-endpoint", metavar="URL", help="the S3 server, as https://host:port")
    group.add_argument("--s3-bucket", metavar="NAME", help="a bucket that is there")
    group.add_argument("--s3-region", metavar="NAME", default="us-east-1", help="(default: us-east-1)")
    group.add_argument("--s3-access-key-file", metavar="FILE", type=Path, help="a file that holds the access key")
    group.add_argument("--s3-secret-key-file", metavar="FILE", type=Path, help="a file that holds the secret key")
    group.add_argument("--store-moved", action="store_true", help="the originals have been copied to the new store")


def choose(layout: Layout, asked: Namespace) -> Tables:
    """The stores asked for, else those of the last time, else folders. Raises CannotUse."""
    chosen = {"folder": _folder, "minio": _minio, "s3": _s3}[asked.store](layout, asked) if asked.store else None
    remembered = layout.root / REMEMBERED
    if chosen is None:
        chosen = tomllib.loads(remembered.read_text()) if remembered.exists() else _folder(layout, asked)
        if any(minio.keeps(layout, _store(table)) for table in chosen.values()):
            chosen = _minio(layout, asked)  # on a port that is free this time
    return chosen


def remember(layout: Layout, chosen: Tables) -> None:
    write_private(layout.root / REMEMBERED, "# Written by --store; conf/mezzotint.toml wins.\n" + dump(chosen))


def check_kept(layout: Layout, before: Tables, after: Tables, enabled: Sequence[str]) -> None:
    """Raises CannotUse when the originals there are would be looked for where they are not; `enabled`: plug-ins."""
    old, new = (_store(tables["stores"]["originals"]) for tables in (before, after))
    if _place(layout, old) != _place(layout, new) and _holds_something(old, enabled):
        raise CannotUse(
            f"the originals are kept in {_told(old)}, not in {_told(new)}: copy them there and say --store-moved, "
            "or start as before"
        )


def _folder(layout: Layout, _: Namespace) -> Tables:
    return {name: {"kind": "filesystem", "folder": str(layout.root / "store" / name)} for name in NAMES}


def _minio(layout: Layout, _: Namespace) -> Tables:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return {name: minio.store(layout, name, port) for name in NAMES}


def _s3(_: Layout, asked: Namespace) -> Tables:
    needed = ("s3_endpoint", "s3_bucket", "s3_access_key_file", "s3_secret_key_file")
    if missing := [f"--{name.replace('_', '-')}" for name in needed if not getattr(asked, name)]:
        raise CannotUse(f"--store s3 needs {', '.join(missing)}")
    url = urlsplit(asked.s3_endpoint)
    if url.scheme not in {"http", "https"} or not url.netloc or url.path.strip("/"):
        raise CannotUse(f"--s3-endpoint {asked.s3_endpoint}: is not of the form https://host:port")
    return {
        name: {
            "kind": "minio",
            "endpoint": url.netloc,
            "secure": url.scheme == "https",
            "region": asked.s3_region,
            "bucket": asked.s3_bucket,
            "prefix": name,
            "access_key_file": str(asked.s3_access_key_file),
            "secret_key_file": str(asked.s3_secret_key_file),
        }
        for name in NAMES
    }


def _store(table: dict[str, Any]) -> settings.Store:
    return settings.Store(table["kind"], {name: value for name, value in table.items() if name != "kind"})


def _place(layout: Layout, store: settings.Store) -> object:
    """Equal for stores that hold the same objects: credentials, say, do not matter."""
    if minio.keeps(layout, store):
        return minio.BUCKET
    return store.kind, *((name, store.options.get(name)) for name in _TELLING.get(store.kind, sorted(store.options)))


def _told(store: settings.Store) -> str:
    if bucket := store.options.get("bucket"):
        return f"the bucket {bucket}"
    return str(store.options.get("folder") or f"a store of the kind {store.kind}")


def _holds_something(store: settings.Store, enabled: Sequence[str]) -> bool:
    """Also when that can't be told: a store that is away may hold everything."""
    try:
        (storage,) = wiring.storages({"originals": store}, registry.load(enabled)).values()
        return bool(list(islice(storage.list(), 1)))
    except (StoreUnavailable, settings.SettingsError, registry.PluginError):
        return True
