"""What scripts/ do before any of our Python runs."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mezzotint.standalone.__main__ import parser

SCRIPTS = Path(__file__).parents[2] / "scripts"
TELL = '#!/bin/sh\necho "$0 ${MEZZOTINT_CONFIG:-no settings} $*"\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project folder with the scripts; the service's home beside it is empty."""
    tree = tmp_path / "tree"
    (tree / "scripts").mkdir(parents=True)
    for script in SCRIPTS.iterdir():
        text = script.read_text().replace("service_home=/var/lib/mezzotint", f"service_home={tmp_path}/service")
        (tree / "scripts" / script.name).write_text(text)
        (tree / "scripts" / script.name).chmod(0o755)
    return tree


@pytest.fixture
def mezzotint(tree: Path) -> Callable[..., str]:
    """Runs scripts/mezzotint; gives what it printed."""

    def run(*words: str, **environment: str) -> str:
        command = [str(tree / "scripts/mezzotint"), *words]
        clean = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], **environment}
        return subprocess.run(command, env=clean, capture_output=True, text=True, check=False).stdout

    return run


def test_help_tells_of_every_option(tree: Path) -> None:
    told = subprocess.run([str(tree / "scripts/run"), "--help"], capture_output=True, text=True, check=True).stdout
    options = {name for action in parser()._actions for name in action.option_strings if name.startswith("--")}
    assert options - {"--help"} == set(re.findall(r"--[a-z0-9-]+", told))


def installed(folder: Path) -> Path:
    command = folder / ".venv/bin/mezzotint"
    command.parent.mkdir(parents=True)
    command.write_text(TELL)
    command.chmod(0o755)
    return command


def settled(folder: Path) -> Path:
    settings = folder / "var/mezzotint.toml"
    settings.parent.mkdir(parents=True)
    settings.touch()
    return settings


def test_the_command_finds_this_installation(tree: Path, mezzotint: Callable[..., str]) -> None:
    command, settings = installed(tree), settled(tree)
    assert mezzotint("doctor", "--json") == f"{command} {settings} doctor --json\n"


def test_the_command_finds_what_left_a_closed_home(tree: Path, mezzotint: Callable[..., str]) -> None:
    service = tree.parent / "service"
    command, settings = installed(service / "code"), settled(service)
    assert mezzotint("doctor") == f"{command} {settings} doctor\n"


def test_settings_that_are_named_win(tree: Path, mezzotint: Callable[..., str], tmp_path: Path) -> None:
    command, named = installed(tree), tmp_path / "other.toml"
    settled(tree)
    named.touch()
    assert mezzotint("doctor", MEZZOTINT_CONFIG=str(named)) == f"{command} {named} doctor\n"


def test_a_virtual_environment_is_made_beside_the_one_in_use(tree: Path) -> None:
    """The one before stays for whoever runs in it, older ones go. What is there already is not made again."""
    (tree / "pyproject.toml").write_text("")
    (tree / "requirements-build.txt").write_text("")
    (tree / "requirements-dev.txt").write_text("")
    # pip would need the network; what matters here is where things go.
    script = f"""
        . {tree}/scripts/prepare.sh; tree={tree}
        make_python() {{ mkdir "$1"; touch "$1/complete"; echo made; }}
        install_python requirements.txt; readlink {tree}/.venv"""
    found, made = [], []
    for lock in ("one", "two", "two", "three"):
        (tree / "requirements.txt").write_text(lock)
        lines = subprocess.run(["bash", "-euc", script], check=True, capture_output=True, text=True).stdout.splitlines()
        made.append("made" in lines)
        found.append(lines[-1])
        assert (tree / ".venv/complete").exists()
    assert made == [True, True, False, True]
    assert found[0] != found[1] == found[2] != found[3]
    there = {path.name for path in tree.glob(".venv-*")}
    assert there == {found[1], found[3]}
