"""Both images are built and run as compose.yaml says, unprivileged and with a read-only root."""

import faulthandler
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pyvips
import requests

from tests.packaging.engine import Engine, NoEngine, build, make_base, running

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
BASE_URL = "http://localhost:8080"
PATIENCE = 180.0


@dataclass(frozen=True)
class Composed:
    """The services of compose.yaml."""

    engine: Engine
    folder: Path

    def compose(self, *words: str, over: tuple[Path, ...] = ()) -> str:
        files = [word for path in (ROOT / "compose.yaml", *over) for word in ("--file", str(path))]
        environment = ("--env-file", str(self.folder / ".env"), "--project-name", "mezzotint")
        return self.engine.run("docker-compose", *files, *environment, *words)

    def mezzotint(self, *words: str) -> dict[str, str]:
        told: dict[str, str] = json.loads(self.inside("origin", "mezzotint", *words, "--json"))
        return told

    def get(self, url: str) -> requests.Response:
        with self.engine.network():
            return requests.get(url, timeout=30)

    def ready(self) -> bool:
        try:
            return self.get(f"{BASE_URL}/readyz").status_code == 200
        except requests.RequestException:
            return False

    def inside(self, service: str, *command: str) -> str:
        return self.engine.run("docker", "exec", f"mezzotint_{service}_1", *command)


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    faulthandler.cancel_dump_traceback_later()  # the first build takes longer than a test may hang
    folder = tmp_path_factory.mktemp("composed")
    names = ("POSTGRES_PASSWORD", "MEZZOTINT_PASSWORD", "REDIS_PASSWORD")
    (folder / ".env").write_text("".join(f"{name}={secrets.token_hex(24)}\n" for name in names))
    try:
        with running(apart=False) as engine:
            make_base(engine)
            build(
                engine,
                [
                    ("--target", "app", "--tag", "mezzotint-app", str(ROOT)),
                    ("--tag", "postgres:15", str(HERE / "stand_ins/postgres")),
                    ("--tag", "redis:7", str(HERE / "stand_ins/redis")),
                ],
            )
            build(engine, [("--target", "edge", "--tag", "mezzotint-edge", str(ROOT))])
        with running(apart=True) as engine:
            composed = Composed(engine, folder)
            try:
                composed.compose("up", "--detach", "--no-build")
                eventually(composed.ready, lambda: composed.compose("logs", "--no-color", "--tail", "30"))
                yield composed
            finally:
                composed.compose("down", "--volumes", "--timeout", "20")
    except NoEngine as why:
        pytest.skip(f"the images were not built: {why}")


def eventually(condition: Callable[[], bool], tell: Callable[[], str]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, tell()
        time.sleep(0.3)


@pytest.fixture(scope="module")
def picture(composed: Composed) -> Callable[[str], str]:
    """The URL of an uploaded picture in the given shape."""
    composed.mezzotint("organizations", "create", "acme")
    composed.mezzotint("tenants", "create", "acme/web")
    composed.mezzotint("spaces", "create", "acme/web/hero")
    key = composed.mezzotint("api-keys", "create", "--operator", "first")["key"]
    data = (pyvips.Image.xyz(400, 300) % 255).cast("uchar").bandjoin(90).copy(interpretation="srgb").pngsave_buffer()
    with composed.engine.network():
        answer = requests.post(
            f"{BASE_URL}/v1/assets",
            headers={"X-API-Key": key},
            files={"file": ("picture.png", data)},
            data={"organization": "acme", "tenant": "web", "space": "hero"},
            timeout=60,
        )
    assert answer.status_code == 201, answer.text
    template: str = answer.json()["urls"]["template"]
    return lambda operations: template.format(operations=operations, ext="webp")


def test_a_picture_is_uploaded_rendered_and_cached(composed: Composed, picture: Callable[[str], str]) -> None:
    for cache in ("MISS", "HIT"):
        answer = composed.get(picture("w_120"))
        assert (answer.status_code, answer.headers["X-Cache"]) == (200, cache)
        assert pyvips.Image.new_from_buffer(answer.content, "").width == 120


@pytest.mark.parametrize("service", ["edge", "origin", "renderers", "isolated", "worker"])
def test_each_runs_unprivileged_on_a_read_only_root(composed: Composed, service: str) -> None:
    said = composed.inside(
        service, "sh", "-c", "id -u; touch /mezzotint/x 2>&1; grep CapEff /proc/1/status"
    ).splitlines()
    assert said[0] == "10001"
    assert said[1].endswith("Read-only file system")
    assert said[2].split() == ["CapEff:", "0" * 16]


def test_no_container_was_restarted(composed: Composed) -> None:
    names = composed.compose("ps", "--quiet").split()
    states = {
        composed.engine.run("docker", "inspect", "--format", "{{.Name}} {{.State.ExitCode}} {{.RestartCount}}", name)
        for name in names
    }
    assert {state.split(maxsplit=1)[1] for state in states} == {"0 0\n"}


def test_edge_and_origin_speak_over_a_port_as_well(composed: Composed, picture: Callable[[str], str]) -> None:
    # Nothing is in flight: the origin that goes would wait for its edge's idle connections only.
    up = ("up", "--detach", "--timeout", "5", "--no-build", "--no-deps")
    for service in ("origin", "edge"):  # in this order: an edge looks its origins' names up when it starts
        composed.compose(*up, service, over=(HERE / "ports.yaml",))
    eventually(composed.ready, lambda: composed.compose("logs", "--no-color", "--tail", "30", "edge", "origin"))
    assert composed.get(picture("w_130")).headers["X-Cache"] == "MISS"
    assert composed.get(picture("w_120")).headers["X-Cache"] == "HIT"  # the cache outlives its container


def test_an_edge_fetches_stored_pictures_from_a_volume_that_it_may_only_read(
    composed: Composed, picture: Callable[[str], str]
) -> None:
    made = composed.get(picture("w_135"))
    composed.inside("edge", "find", "/var/lib/mezzotint/cache", "-type", "f", "-delete")
    composed.compose(
        "up", "--detach", "--no-build", "--no-deps", "edge", over=(HERE / "ports.yaml", HERE / "stores.yaml")
    )
    eventually(composed.ready, lambda: composed.compose("logs", "--no-color", "--tail", "30", "edge"))
    fetched = composed.get(picture("w_135"))
    assert (fetched.headers["X-Cache"], fetched.content) == ("MISS", made.content)

    def told() -> list[str]:
        """A moment later: the engine has it from the container's output."""
        return [line for line in composed.compose("logs", "--no-color", "origin").splitlines() if "w_135" in line]

    eventually(lambda: len(told()) > 1, lambda: "\n".join(told()))
    assert [fetched.headers["X-Request-Id"] in line and '"fetched": true' in line for line in told()] == [False, True]
    assert "Read-only" in composed.inside("edge", "sh", "-c", "touch /mnt/pictures/x 2>&1 || true")


def test_cached_pictures_go_out_when_the_rest_is_stopped(composed: Composed, picture: Callable[[str], str]) -> None:
    url = picture("w_140")
    assert composed.get(url).status_code == 200
    composed.compose("stop", "--timeout", "5", "worker", "origin", "renderers", "isolated", "postgres", "redis")
    assert composed.get(url).headers["X-Cache"] == "HIT"
    assert composed.get(picture("w_141")).status_code == 503


def test_an_edge_without_its_settings_says_which_are_missing(composed: Composed) -> None:
    container = composed.engine.start("docker", "run", "--rm", "--read-only", "mezzotint-edge")
    said, _ = container.communicate(timeout=PATIENCE)
    assert container.returncode == 1
    assert said == (
        "edge: set MEZZOTINT_PUBLIC__HOSTS, MEZZOTINT_REDIS__URL, MEZZOTINT_SECURITY__SEAL_KEY_FILE, "
        "MEZZOTINT_EDGE__ORIGINS\n"
    )
