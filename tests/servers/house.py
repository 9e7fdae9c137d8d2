"""The house around real servers, with renderers of its own, for tests that need no HTTP server or edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mezzotint import settings, wiring
from mezzotint.data import seal
from tests.imaging.pool import Pool


@contextmanager
def running_house(postgres, redis_url: str, folder: Path) -> Iterator[wiring.House]:
    seal.write_key(folder / "seal.key")
    with Pool(folder) as pool:
        tables = {
            "public": {"hosts": ["img.example.com", "localhost"], "base_url": "http://img.example.com:8080"},
            "database": {"app_dsn": postgres.app_dsn, "operator_dsn": postgres.operator_dsn},
            "redis": {"url": redis_url},
            "stores": {
                name: {"kind": "filesystem", "folder": str(folder / name)} for name in ("originals", "variants")
            },
            "security": {"seal_key_file": str(folder / "seal.key")},
            "renderers": {"socket": str(pool.socket)},
            "origin": {"socket": str(folder / "origin.sock")},
            "spool": {"folder": str(folder / "spool")},
        }
        house = wiring.build(settings.parse(tables))
        yield house
        house.database.close()
