"""An edge in front of a stub origin (the other side of its contract) and behind a real Redis."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from mezzotint import registry
from tests.conftest import REPOSITORY
from tests.edge.running import Control, Running, eventually, running
from tests.servers.installation import Installation


@pytest.fixture(scope="session")
def table() -> dict[str, Any]:
    """grammar.json of the built-in plug-ins."""
    return registry.load(["standard"]).grammar().export()


@pytest.fixture(scope="session")
def lua(table: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Any]]:
    """Puts questions to the pure modules in a bare LuaJIT; one answer each."""
    grammar = tmp_path_factory.mktemp("lua") / "grammar.json"
    grammar.write_text(json.dumps(table))
    command = ["luajit", str(Path(__file__).with_name("modules.lua")), str(REPOSITORY / "nginx/lua"), str(grammar)]

    def ask(*questions: dict[str, Any]) -> list[Any]:
        lines = "".join(json.dumps(question) + "\n" for question in questions)
        done = subprocess.run(command, input=lines, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line)[0] for line in done.stdout.splitlines()]

    return ask


@pytest.fixture(scope="module")
def control(redis_url: str) -> Iterator[Control]:
    """The control plane's publications, begun anew."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        instance = Control(client)
        instance.publish_all(keys={"k1": Control.key("k1")}, generations={"*": 1, "o:acme": 1})
        yield instance


@pytest.fixture(scope="module")
def edge(redis_url: str, table: dict[str, Any], control: Control) -> Iterator[Running]:
    with running(redis_url, table) as instance:
        eventually(lambda: instance.status().get("epoch") == control.epoch, "the edge has read the publications")
        yield instance


@pytest.fixture
def redis_of_our_own() -> Iterator[Installation]:
    """One that a test may kill."""
    with Installation(only=["redis"]) as installation:
        yield installation
