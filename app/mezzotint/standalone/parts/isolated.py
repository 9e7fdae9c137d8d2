"""The isolated renderers, for what is decoded in a sealed process apart."""

import sys
from pathlib import Path

from mezzotint.imaging.renderer import process
from mezzotint.settings import Settings
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.part import Part
from mezzotint.standalone.probes import listens


def part(layout: Layout, settings: Settings) -> Part:
    path = layout.sockets / "isolated.sock"
    return Part(
        name="isolated",
        needed=False,
        command=(str(Path(sys.executable).with_name("mezzotint")), "isolated"),
        ready=lambda: listens(path),
        where=str(path),
        environment=process.isolated_environment(settings.isolation.policy),
    )
