"""Commands run in this process, on settings whose every part runs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mezzotint import settings, wiring
from mezzotint.cli import main
from mezzotint.wiring import House
from tests.imaging.pictures import gradient
from tests.servers.house import running_settings
from tests.servers.places import Names, settle
from tests.servers.postgres import Postgres, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One that no other key has written the audit log of."""
    with running_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def config(postgres, redis_url, tmp_path_factory) -> Iterator[Path]:
    with running_settings(postgres, redis_url, tmp_path_factory.mktemp("cli")) as path:
        yield path


@pytest.fixture(scope="session")
def house(config) -> Iterator[House]:
    house = wiring.build(settings.load(config, {}))
    yield house
    house.database.close()


@pytest.fixture
def place(house) -> Names:
    return settle(house)


@pytest.fixture
def mezzotint(config) -> Callable[..., Result]:
    """Runs a command; `fails` says that it must."""

    def run(*words: str, fails: bool = False) -> Result:
        result = CliRunner().invoke(main, ["--config", str(config), *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert (result.exit_code != 0) is fails, result.output
        return result

    return run


@pytest.fixture
def told(mezzotint) -> Callable[..., Any]:
    """Runs a command and reads its JSON."""
    return lambda *words: json.loads(mezzotint(*words, "--json").stdout)


@pytest.fixture
def picture(tmp_path) -> Path:
    path = tmp_path / "picture.jpg"
    gradient(64, 48).jpegsave(str(path))
    return path


@pytest.fixture
def shell(stack) -> Callable[..., str]:
    """Runs a program for the running installation, as whoever runs the tests; gives what it printed."""

    def run(*words: str) -> str:
        environment = os.environ | {
            "MEZZOTINT_CONFIG": str(stack.folder / "mezzotint.toml"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
