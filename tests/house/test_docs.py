"""What the docs claim, the code keeps."""

import dataclasses
import inspect
import json
import os
import re
from pathlib import Path

from mezzotint import registry, settings
from mezzotint.cli.language import page
from mezzotint.model import errors
from mezzotint.standalone.__main__ import ORDER

ROOT = Path(__file__).resolve().parents[2]


def table_rows(page: str) -> set[tuple[str, ...]]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return {tuple(cell.strip(" `") for cell in line.strip("|").split("|")) for line in text.splitlines() if "|" in line}


def test_the_readme_shows_every_part_and_script_and_the_operation_of_extending():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^ +(\w+) +ready after", readme, re.MULTILINE)
    assert {*shown, "minio"} == {*ORDER}  # which nobody has who does not ask for it
    scripts = {each.name for each in (ROOT / "scripts").iterdir() if os.access(each, os.X_OK)}
    (row,) = re.findall(r"^\| `scripts/` \| (.*) \|$", readme, re.MULTILINE)
    assert set(re.findall(r"`([a-z-]+)`", row)) == scripts
    pages = (readme, (ROOT / "docs/extending.md").read_text(encoding="utf-8"))
    one, other = (re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1) for page in pages)
    assert one == other


def test_every_error_code_is_documented_with_its_status():
    documented = {(row[0], row[1]) for row in table_rows("errors.md")}
    edge = (ROOT / "nginx/lua/problem.lua").read_text(encoding="utf-8")
    known = {(status, code) for code, status in re.findall(r"(\w+) = \{ (\d{3}),", edge)} | {
        (str(error.status), error.code)
        for _, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, errors.MezzotintError)
    }
    assert {row for row in documented if row[0].isdigit()} == known


UNITS = {"GiB": 1024**3, "day": 86_400, "days": 86_400}


def default_of(cell: str) -> object:
    """The value that a cell of docs/settings.md tells: a number, with a unit or without, or JSON; None for words."""
    number, _, unit = cell.partition(" ")
    if number.replace(".", "").isdigit() and unit in {"", *UNITS}:
        return float(number) * UNITS.get(unit, 1)
    try:
        return json.loads(cell)
    except ValueError:
        return None


def test_every_setting_is_documented_with_its_default():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([a-z_.*]+)` \| .* \| (.*?) ?\|$", text, re.MULTILINE))
    rooms = {field.name: field.type for field in dataclasses.fields(settings.Settings) if field.name != "stores"}
    known = {"stores.*.kind"}
    for room, kind in rooms.items():
        for field in dataclasses.fields(getattr(settings, kind)):
            name = f"{room}.{field.name}"
            known.add(name)
            told = default_of(documented[name].strip("`"))
            if isinstance(field.default, int | float | tuple) and field.default != ():
                assert told == (list(field.default) if isinstance(field.default, tuple) else field.default), name
            else:
                assert not told, name  # words say what none comes to
    assert set(documented) == known


def test_every_option_of_a_store_is_documented():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| ([a-z]+) \| `(\w+)` \|", text, re.MULTILINE))
    storages = registry.load(["standard"]).storages
    assert documented == {(kind, name) for kind in storages for name in inspect.signature(storages[kind]).parameters}


def test_every_room_says_what_it_is_in_at_most_ten_lines():
    rooms = [folder.parent for folder in (ROOT / "app" / "mezzotint").rglob("__init__.py")]
    tops = {room for room in rooms if room.parent.name == "mezzotint"} | {ROOT / "nginx"}
    for room in tops:
        readme = room / "README.md"
        assert readme.exists(), f"{room.relative_to(ROOT)} has no README.md"
        assert len(readme.read_text(encoding="utf-8").splitlines()) <= 10, f"{readme.relative_to(ROOT)} is too long"


def test_links_between_pages_lead_somewhere():
    for each in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", each.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:")):
                assert (each.parent / target).exists(), f"{each.name} links to {target}, which is not there"


def test_the_page_of_operations_is_what_the_code_says():
    assert (ROOT / "docs" / "operations.md").read_text(encoding="utf-8") == page(registry.load(["standard"]))
