"""The origin: gunicorn with Flask, on a unix socket that the edge alone speaks to."""

import sys

from mezzotint.settings import Settings
from mezzotint.standalone.layout import CODE, Layout
from mezzotint.standalone.part import Part
from mezzotint.standalone.probes import answers

LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def part(layout: Layout, _settings: Settings) -> Part:
    path = layout.sockets / "origin.sock"
    return Part(
        name="origin",
        needed=False,
        command=(
            *(sys.executable, "-P", "-m", "gunicorn"),
            *("--config", str(CODE / "conf/gunicorn.py")),
            "mezzotint.web.app:create_app()",
        ),
        ready=lambda: answers(path, LIVEZ, b"HTTP/1.1 200"),
        where=str(path),
        environment={"HOME": str(layout.root)},
        grace=30.0,  # requests in flight are answered first
    )
