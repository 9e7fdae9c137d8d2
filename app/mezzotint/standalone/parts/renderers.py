"""The renderer processes, where the pixels are."""

import sys
from pathlib import Path

from mezzotint.imaging.renderer import process
from mezzotint.settings import Settings
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.part import Part
from mezzotint.standalone.probes import listens


def part(layout: Layout, _settings: Settings) -> Part:
    path = layout.sockets / "renderers.sock"
    return Part(
        name="renderers",
        needed=False,
        command=(str(Path(sys.executable).with_name("mezzotint")), "renderers"),
        ready=lambda: listens(path),
        where=str(path),
        environment=process.environment(),  # or it would start a second time, in that one
    )
