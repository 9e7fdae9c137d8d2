"""The settings file says what it was told, and the machine's own facts win over the operator's."""

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mezzotint import settings
from mezzotint.standalone import settings_file
from mezzotint.standalone.layout import Layout

KEYS = st.text(min_size=1, max_size=8)
PLAIN = (
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
STORES = {name: {"kind": "filesystem", "folder": f"/{name}"} for name in ("originals", "variants")}
TABLES = st.recursive(
    st.dictionaries(KEYS, PLAIN | st.lists(PLAIN, max_size=3), max_size=4),
    lambda inner: st.dictionaries(KEYS, inner | PLAIN, max_size=4),
    max_leaves=12,
)


def written(layout: Layout, **options: Any) -> Path:
    return settings_file.write(layout, settings_file.compose(layout, stores=STORES, **options))


@given(TABLES)
def test_a_dump_reads_back_as_it_was(tables: dict[str, object]) -> None:
    assert tomllib.loads(settings_file.dump(tables)) == tables


def test_the_operators_settings_are_kept_and_the_machines_win(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "var")
    layout.create()
    operators = tmp_path / "mezzotint.toml"
    operators.write_text(
        '[renderers]\nworkers = 3\nsocket = "/elsewhere"\n[stores.originals]\nkind = "minio"\nbucket = "b"\n'
    )
    loaded = settings.load(written(layout, host="pictures.example", port=8181, operators=operators))
    assert loaded.renderers.workers == 3
    assert loaded.renderers.socket == layout.sockets / "renderers.sock"
    assert (loaded.stores["originals"].kind, loaded.stores["originals"].options) == ("minio", {"bucket": "b"})
    assert loaded.stores["variants"].kind == "filesystem"
    assert loaded.public.base_url == "http://pictures.example:8181"
    assert "pictures.example" in loaded.public.hosts


def test_secrets_are_made_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "var")
    layout.create()
    first = written(layout, host="localhost", port=8080).read_text()
    assert written(layout, host="localhost", port=8080).read_text() == first


def test_the_command_line_wins_over_the_operators_file(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "var")
    layout.create()
    operators = tmp_path / "mezzotint.toml"
    operators.write_text('[edge]\nport = 81\n[public]\nhosts = ["a.example"]\nbase_url = "https://a.example"\n')
    loaded = settings.load(written(layout, operators=operators))
    assert (loaded.edge.port, loaded.public.base_url, loaded.public.hosts) == (81, "https://a.example", ("a.example",))
    loaded = settings.load(written(layout, operators=operators, host="b.example", port=82))
    assert (loaded.edge.port, loaded.public.base_url) == (82, "http://b.example:82")
    assert "b.example" in loaded.public.hosts
