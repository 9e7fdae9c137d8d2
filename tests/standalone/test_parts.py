"""The parts of an installation, as its settings make them."""

from pathlib import Path

from mezzotint import settings
from mezzotint.standalone import settings_file
from mezzotint.standalone.__main__ import ORDER, parts
from mezzotint.standalone.layout import Layout


def test_only_what_others_need_is_waited_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "var")
    layout.create()
    stores = {name: {"kind": "filesystem", "folder": f"/{name}"} for name in ("originals", "variants")}
    loaded = settings.load(settings_file.write(layout, settings_file.compose(layout, stores=stores)), {})
    assert [part.name for part in parts(layout, loaded, list(ORDER)) if part.needed] == ["postgres", "redis"]
