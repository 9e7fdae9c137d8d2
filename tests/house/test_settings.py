"""What must not be served with stops the start, and says what to do."""

from pathlib import Path
from typing import Any

import pytest

from mezzotint import settings
from mezzotint.settings import Settings, SettingsError
from mezzotint.standalone.secrets_folder import secret
from mezzotint.standalone.settings_file import dump


@pytest.fixture
def seal_key(tmp_path: Path) -> Path:
    secret(tmp_path, "seal.key")
    return tmp_path / "seal.key"


@pytest.fixture
def tables(tmp_path: Path, seal_key: Path) -> dict[str, Any]:
    return {
        "database": {"app_dsn": "postgresql://app", "operator_dsn": "postgresql://operator"},
        "redis": {"url": "unix:///redis.sock"},
        "stores": {name: {"kind": "memory"} for name in ("originals", "variants")},
        "security": {"seal_key_file": str(seal_key)},
        "renderers": {"socket": "/renderers.sock"},
        "origin": {"bind": "unix:/origin.sock"},
        "spool": {"folder": str(tmp_path)},
    }


def load(tables: dict[str, Any], folder: Path) -> Settings:
    (folder / "mezzotint.toml").write_text(dump(tables))
    return settings.load(folder / "mezzotint.toml", {})


def test_what_is_safe_is_taken(tables: dict[str, Any], tmp_path: Path):
    assert load(tables, tmp_path).public.hosts == ("localhost",)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_seal_key_that_others_may_read(tables: dict[str, Any], tmp_path: Path, seal_key: Path, mode: int):
    seal_key.chmod(mode)
    with pytest.raises(SettingsError, match=r"seal_key_file: .* open to others .* chmod 600"):
        load(tables, tmp_path)


def test_a_seal_key_that_is_not_there(tables: dict[str, Any], tmp_path: Path, seal_key: Path):
    seal_key.unlink()
    with pytest.raises(SettingsError, match=r"seal_key_file: .* can't be read"):
        load(tables, tmp_path)


@pytest.mark.parametrize("name", ["VIPS_UNLIMITED", "LIBHEIF_SECURITY_LIMITS", "LIBTIFF_ALLOW_LARGE_LIBJPEG_MEM_ALLOC"])
def test_decoders_without_their_own_limits(
    tables: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setenv(name, "")
    with pytest.raises(SettingsError, match=f"{name} is set"):
        load(tables, tmp_path)


@pytest.mark.parametrize(
    ("room", "name", "value"),
    [
        ("public", "hosts", []), ("public", "hosts", ["evil.example; drop"]), ("public", "hosts", ["*"]),
        ("origin", "bind", "unix:/x; proxy_pass http://evil"), ("renderers", "memory_bytes", 0),
        ("renderers", "deadline", -1), ("edge", "upload_bytes", 0), ("security", "seal_key", "00"),
        ("isolation", "cpu_seconds", 0),
    ],
)  # fmt: skip
def test_what_makes_no_sense(tables: dict[str, Any], tmp_path: Path, room: str, name: str, value: object):
    tables[room] = tables.get(room, {}) | {name: value}
    with pytest.raises(SettingsError, match=rf"{room}\.{name}"):
        load(tables, tmp_path)


def test_every_mistake_is_told_at_once(tables: dict[str, Any], tmp_path: Path):
    tables |= {"redis": {"url": "unix:///redis.sock", "timeout": 0}, "spool": {}}
    with pytest.raises(SettingsError) as caught:
        load(tables, tmp_path)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["redis.timeout", "spool.folder"]


@pytest.mark.parametrize(
    ("quota", "workers"),
    [("max 100000", 4), ("250000 100000", 2), ("50000 100000", 1), ("900000 100000", 4), (None, 4)],
)
def test_there_are_no_more_renderers_than_can_run(
    tables: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str | None, workers: int
):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 4, 5})
    monkeypatch.setattr(settings, "_QUOTA", tmp_path / "cpu.max")
    if quota:
        (tmp_path / "cpu.max").write_text(quota + "\n")
    assert load(tables, tmp_path).renderers.workers == workers
