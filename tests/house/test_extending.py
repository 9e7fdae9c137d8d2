"""The operation of docs/extending.md, as a stranger's package: found, spelled, exported and drawn."""

import re
import sys
from pathlib import Path

import pytest
import pyvips

from mezzotint import registry
from mezzotint.imaging.decode import Decoders
from mezzotint.imaging.pipeline import Pipeline
from mezzotint.model.errors import InvalidOperation
from mezzotint.registry import PluginError
from tests.imaging.pool import render_job
from tests.strangers import install

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"


@pytest.fixture
def source() -> str:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_a_strangers_operation_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str):
    install(tmp_path, "strangers_blocks", source)
    monkeypatch.syspath_prepend(tmp_path)
    plugins = registry.load(["standard", "strangers_blocks"])
    grammar = plugins.grammar()
    assert grammar.parse("pixelate_12-w_60", "png").canonical == "fmt_png-w_60-pixelate_12"
    with pytest.raises(InvalidOperation, match="pixelate takes a whole number from 2 to 500"):
        grammar.parse("pixelate_1", "png")
    assert grammar.export()["tokens"][-1]["key"] == "pixelate"
    assert grammar.digest != registry.load(["standard"]).grammar().digest

    picture = tmp_path / "ramp.png"
    pyvips.Image.identity().resize(1).embed(0, 0, 256, 64, extend="copy").pngsave(str(picture))
    pipeline = Pipeline(
        grammar,
        Decoders([decoder() for decoder in plugins.decoders.values()]),
        [encoder() for encoder in plugins.encoders.values()],
    )
    job = render_job(picture, "fmt_png-pixelate_32", "png")
    blocks = pyvips.Image.new_from_buffer(pipeline.render(job).data, "")
    assert (blocks.width, blocks.height) == (256, 64)
    assert blocks.crop(0, 0, 32, 32).deviate() == 0
    assert blocks.deviate() > 10


DECODER = """
from mezzotint.plugin_api import Decoder

class Farbfeld(Decoder):
    name, media_type = "ff", "image/x-farbfeld"
    loaders = ()

    def sniff(self, head):
        return head.startswith(b"farbfeld")

    def open(self, file, *, shrink=1, animated=False):
        raise NotImplementedError
"""


def test_a_format_that_only_comes_in_is_an_ext_of_originals_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, "strangers_format", DECODER, room="decoders")
    monkeypatch.syspath_prepend(tmp_path)
    grammar = registry.load(["standard", "strangers_format"]).grammar()
    assert grammar.original("ff") == "ff"
    assert "ff" in grammar.export()["originals"]
    with pytest.raises(InvalidOperation, match="ext 'ff' is none of"):
        grammar.parse("w_10", "ff")


def test_installed_is_not_enabled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str):
    install(tmp_path, "strangers_idle", source)
    monkeypatch.syspath_prepend(tmp_path)
    assert "pixelate" not in str(registry.load(["standard"]).grammar().export())


def test_plugins_that_clash_stop_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str):
    install(tmp_path, "strangers_clash", source.replace('"pixelate"', '"blur"'))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match="declared twice: blur"):
        registry.load(["standard", "strangers_clash"]).grammar()


def test_an_unknown_plugin_stops_the_start_with_a_hint():
    with pytest.raises(PluginError, match="did you mean 'standard'"):
        registry.load(["standrad"])


def test_declarations_are_quick_to_read():
    # What the command line and the export import must not load pixels, HTTP or a store's SDK.
    import subprocess

    program = (
        "import sys; from mezzotint import registry; registry.load(['standard']).grammar().export();"
        "print(sorted({'pyvips', 'flask', 'minio', 'gevent', 'wand'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
