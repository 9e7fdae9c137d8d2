"""The parts of an installation, as its settings make them."""

from pathlib import Path

import pytest

from mezzotint import settings
from mezzotint.imaging.renderer import process
from mezzotint.standalone import settings_file
from mezzotint.standalone.__main__ import ORDER, parts
from mezzotint.standalone.layout import Layout


@pytest.fixture
def loaded(tmp_path: Path) -> tuple[Layout, settings.Settings]:
    layout = Layout(tmp_path / "var")
    layout.create()
    stores = {name: {"kind": "filesystem", "folder": f"/{name}"} for name in ("originals", "variants")}
    return layout, settings.load(settings_file.write(layout, settings_file.compose(layout, stores=stores)), {})


def test_only_what_others_need_is_waited_for(loaded: tuple[Layout, settings.Settings]) -> None:
    assert [part.name for part in parts(*loaded, list(ORDER)) if part.needed] == ["postgres", "redis"]


def test_renderers_start_in_their_environment_and_so_once(loaded: tuple[Layout, settings.Settings]) -> None:
    pools = {part.name: part for part in parts(*loaded, ["renderers", "isolated"])}
    isolated = process.isolated_environment(loaded[1].isolation.policy)
    assert process.environment().items() <= pools["renderers"].environment.items()
    assert isolated.items() <= pools["isolated"].environment.items()
