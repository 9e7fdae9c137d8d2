"""What an operator can count on: parts come back, a stop leaves nothing, data stays, refusals say what to do."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from mezzotint.standalone.layout import LONGEST_SOCKET, SOCKET_PATH_MAX, Layout
from mezzotint.standalone.part import PartFailed
from mezzotint.standalone.parts import postgres
from tests.servers.installation import PATIENCE, Installation, unprivileged


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that name the folder, or work in it, or hold a file of it open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text().replace("\0", " ")
            links = [str(link.readlink()) for link in (process / "cwd", *(process / "fd").iterdir())]
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
        if process.name != str(os.getpid()) and any(str(folder) in text for text in (command, *links)):
            found.append(command)
    return found


def refusal(installation: Installation) -> str:
    """What an installation says that does not start."""
    process = installation.launch()
    assert process.wait(PATIENCE) == 1
    return installation.output.read_text()


def test_a_part_that_dies_comes_back() -> None:
    with Installation(only=["postgres", "redis"]) as installation:
        for name in ("redis", "postgres"):
            before = installation.part(name)
            before.kill()
            eventually(lambda: installation.part(name).deaths == 1 and installation.part(name).ready)  # noqa: B023
            assert installation.part(name).pid != before.pid
        assert "redis" in installation.output.read_text()
        assert "died of SIGKILL" in installation.output.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_ends_the_parts_in_reverse_order_and_leaves_nothing(number: signal.Signals) -> None:
    with Installation(only=["postgres", "redis"]) as installation:
        assert processes_of(installation.folder)
        assert installation.stop(number) == 0
        assert processes_of(installation.folder) == []
        stopped = [line.split()[0] for line in installation.output.read_text().splitlines() if " stopped " in line]
        assert stopped == ["redis", "postgres"]


def test_ctrl_c_works_where_a_script_started_it_in_the_background() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # what `&` in a script hands down
    try:
        with Installation(only=["redis"]) as installation:
            assert installation.stop(signal.SIGINT) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_works() -> None:
    with Installation(only=["postgres", "redis"]) as installation:
        installation.stop(signal.SIGKILL)
        (installation.folder / "status.json").unlink()
        installation.start()
        installation.stop(signal.SIGKILL)
        eventually(lambda: processes_of(installation.folder) == [])


def test_data_is_kept_over_a_restart() -> None:
    with Installation(only=["postgres"]) as installation:
        owner = installation.settings()["database"]["owner_dsn"]
        with psycopg.connect(owner) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        installation.stop()
        installation.start()
        with psycopg.connect(owner) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_no_other_user_gets_in() -> None:
    with Installation(only=["postgres", "redis"]) as installation:
        for folder in ("", "run", "secrets", "log", "postgres"):
            assert (installation.folder / folder).stat().st_mode & 0o077 == 0, folder
        for file in (
            "mezzotint.toml",
            *(f"secrets/{path.name}" for path in (installation.folder / "secrets").iterdir()),
        ):
            assert (installation.folder / file).stat().st_mode & 0o777 == 0o600, file
        database = installation.settings()["database"]
        password = (installation.folder / "secrets/postgres_mezzotint_app").read_text().strip()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(database["app_dsn"].replace(password, "guessed"))


def test_sockets_go_to_a_short_private_folder_when_the_path_is_long() -> None:
    with Installation(only=["redis"]) as installation:
        assert len(str(installation.folder / "run" / LONGEST_SOCKET)) <= SOCKET_PATH_MAX
    installation = Installation(only=["redis"], beneath="long/" * 20)
    with installation:
        url = installation.settings()["redis"]["url"]
        sockets = Path(url.removeprefix("unix://")).parent
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert redis.Redis.from_url(url).ping()
        installation.stop()
        assert not sockets.exists()


def test_a_second_start_on_the_same_folder_is_refused() -> None:
    with Installation(only=["redis"]) as installation:
        supervisor = installation.status()["pid"]
        assert f"runs already in {installation.folder} (process {supervisor})" in refusal(installation)
        assert installation.part("redis").ready


def test_a_busy_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Installation(only=["edge"], port=port).prepared() as installation:
            assert refusal(installation) == (
                f"mezzotint: port {port} is used by another program: choose another with --port\n"
            )


def test_a_folder_that_may_not_be_written_is_named() -> None:
    with Installation(only=["redis"]).prepared() as installation:
        installation.folder.mkdir(mode=0o500)
        if user := unprivileged():
            os.chown(installation.folder, user.pw_uid, user.pw_gid)
        assert f"may not write to {installation.folder}" in refusal(installation)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--folder", "/proc/here"], r"/proc/here can't be made \(.+\): choose another folder with --folder"),
        (["--folder", __file__], r".+ can't be made \(.+\): choose another folder with --folder"),
        (["--folder", f"{__file__}/var"], r".+ can't be made \(.+\): choose another folder with --folder"),
        (["--port", "0"], r"port 0 is none that anybody could find: choose another with --port"),
    ],
)
def test_what_can_not_be_is_told_in_one_line(tmp_path: Path, arguments: list[str], told: str) -> None:
    command = [sys.executable, "-P", "-m", "mezzotint.standalone", "--only", "redis", "--folder", str(tmp_path / "var")]
    refused = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert re.fullmatch(f"mezzotint: {told}\n", refused.stderr), refused.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses a user")
def test_nothing_runs_as_root(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "mezzotint.standalone", "--folder", str(tmp_path / "var"), "--user", "root"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.stderr == "mezzotint: nothing runs as root here; name another user with --user\n"


def test_a_database_that_can_not_be_made_says_why(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "initdb").write_text("#!/bin/sh\necho 'creating' >&2; echo 'initdb: error: no room' >&2; exit 1\n")
    (programs / "initdb").chmod(0o755)
    layout = Layout(tmp_path / "var")
    layout.create()
    with pytest.raises(PartFailed, match=r"can't make its database in .+/var: error: no room"):
        postgres._create(layout, layout.root / "postgres", programs)


def test_a_part_that_can_not_start_says_why() -> None:
    with Installation(only=["postgres"]) as installation:
        installation.stop()
        (installation.folder / "postgres/PG_VERSION").write_text("99\n")
        assert refusal(installation).endswith(
            "\nmezzotint: PostgreSQL 99 is not installed: apt-get install postgresql\n"
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a home that the service's user can't read")
def test_a_tree_in_a_closed_home_moves_to_where_the_service_can_read_it(tmp_path: Path) -> None:
    """The copy is readable, is refreshed, and keeps its virtual environment."""
    home, service = tmp_path / "home", Path("/tmp") / f"mezzotint-test-{os.getpid()}"
    tree = home / "mezzotint"
    (tree / "app").mkdir(parents=True)
    (tree / "pyproject.toml").write_text("")
    (tree / "app/first.py").write_text("")
    home.chmod(0o700)
    prepare = Path(__file__).parents[2] / "scripts/prepare.sh"
    script = f". {prepare}; service_user=nobody service_home={service} tree={tree}; settle_tree code; echo $tree"
    try:
        first = subprocess.run(["bash", "-euc", script], check=True, capture_output=True, text=True).stdout.splitlines()
        assert first == [f"The user nobody can't read {tree}: running from a copy, {service}/code", f"{service}/code"]
        (service / "code/.venv").mkdir()
        (tree / "app/first.py").rename(tree / "app/second.py")
        subprocess.run(["bash", "-euc", script], check=True, capture_output=True)
        assert sorted(path.name for path in (service / "code").iterdir()) == [".venv", "app", "pyproject.toml"]
        assert [path.name for path in (service / "code/app").iterdir()] == ["second.py"]
    finally:
        subprocess.run(["rm", "-rf", service], check=True)
