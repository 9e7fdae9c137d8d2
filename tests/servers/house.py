"""The house around real servers, with renderers of its own, for tests that need no HTTP server or edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mezzotint import settings, wiring
from mezzotint.standalone.secrets_folder import secret
from mezzotint.standalone.settings_file import dump
from tests.imaging.pool import Pool


@contextmanager
def running_settings(postgres, redis_url: str, folder: Path) -> Iterator[Path]:
    """A settings file whose every part runs."""
    secret(folder, "seal.key")
    with Pool(folder, background=1) as pool:
        tables = {
            "public": {"hosts": ["img.example.com", "localhost"], "base_url": "http://img.example.com:8080"},
            # A busy machine is slow, not broken.
            "database": {
                **{name: getattr(postgres, name) for name in ("app_dsn", "operator_dsn", "owner_dsn")},
                "timeout": 30.0,
            },
            "redis": {"url": redis_url, "timeout": 30.0},
            "stores": {
                name: {"kind": "filesystem", "folder": str(folder / name)} for name in ("originals", "variants")
            },
            "security": {"seal_key_file": str(folder / "seal.key")},
            "renderers": {"socket": str(pool.socket)},
            "origin": {"bind": f"unix:{folder / 'origin.sock'}"},
            "spool": {"folder": str(folder / "spool")},
        }
        path = folder / "mezzotint.toml"
        path.write_text(dump(tables))
        yield path


@contextmanager
def running_house(postgres, redis_url: str, folder: Path) -> Iterator[wiring.House]:
    with running_settings(postgres, redis_url, folder) as path:
        house = wiring.build(settings.load(path, {}))
        yield house
        house.database.close()
