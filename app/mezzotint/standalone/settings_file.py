"""Writes the settings that every part reads: the operator's, with this machine's sockets and secrets laid over them."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mezzotint.standalone.layout import CODE, Layout
from mezzotint.standalone.parts import postgres, redis
from mezzotint.standalone.secrets_folder import secret, write_private

OPERATORS = CODE / "conf/mezzotint.toml"
SEAL_KEY = "seal.key"
Tables = dict[str, Any]


def write(layout: Layout, tables: Tables) -> Path:
    """The file's path; mode 0600, since connection strings hold passwords."""
    write_private(
        layout.settings_file, "# Written at every start; change conf/mezzotint.toml instead.\n" + dump(tables)
    )
    return layout.settings_file


def compose(
    layout: Layout, *, stores: Tables, host: str | None = None, port: int | None = None, operators: Path = OPERATORS
) -> Tables:
    """All settings. Host and port win over the operator's, which win over `stores`.

    Raises:
        tomllib.TOMLDecodeError: the operator's file is not TOML.
    """
    given = tomllib.loads(operators.read_text(encoding="utf-8")) if operators.exists() else {}
    port = port or given.get("edge", {}).get("port", 8080)
    tables = merge(merge({"stores": stores}, public(host or "localhost", port)), given)
    if host:
        tables = merge(tables, public(host, port))
    return merge(tables, machine(layout, port))


def public(host: str, port: int) -> Tables:
    hosts = list(dict.fromkeys([host, "localhost", "127.0.0.1"]))
    return {"public": {"hosts": hosts, "base_url": f"http://{host}:{port}"}}


def machine(layout: Layout, port: int) -> Tables:
    """What only this machine can know."""
    secret(layout.secrets, SEAL_KEY)
    roles = ("app", "operator", "owner")
    return {
        "database": {f"{role}_dsn": postgres.dsn(layout, f"mezzotint_{role}") for role in roles},
        "redis": {"url": redis.url(layout)},
        "security": {"seal_key_file": str(layout.secrets / SEAL_KEY)},
        "renderers": {"socket": str(layout.sockets / "renderers.sock")},
        "isolation": {"socket": str(layout.sockets / "isolated.sock")},
        "origin": {"bind": f"unix:{layout.sockets / 'origin.sock'}"},
        "spool": {"folder": str(layout.root / "spool")},
        "edge": {"port": port, "cache_folder": str(layout.root / "cache")},
        "worker": {"access_log": str(layout.access_log)},
    }


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> Tables:
    """Tables are joined, anything else of `over` wins; a store is replaced whole, for its options follow its kind."""
    merged = dict(under)
    for key, value in over.items():
        joined = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and "kind" not in value
        merged[key] = merge(merged[key], value) if joined else value
    return merged


def dump(tables: Mapping[str, Any], prefix: str = "") -> str:
    """TOML of nested tables whose values are strings, numbers, truth values or lists of them."""
    text = f"\n[{prefix}]\n" if prefix else ""
    text += "".join(
        f"{spell(key)} = {spell(value)}\n" for key, value in tables.items() if not isinstance(value, Mapping)
    )
    for key, value in tables.items():
        if isinstance(value, Mapping):
            text += dump(value, f"{prefix}.{spell(key)}" if prefix else spell(key))
    return text


def spell(value: object) -> str:
    """JSON's spelling is TOML's too, but for one control character that JSON leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
