"""Redis on a unix socket, without a port and without persistence."""

import shutil

from mezzotint.settings import Settings
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.part import Part
from mezzotint.standalone.probes import answers

SOCKET = "redis.sock"


def url(layout: Layout) -> str:
    return f"unix://{layout.sockets / SOCKET}"


def part(layout: Layout, _settings: Settings) -> Part:
    """What Redis holds is published again from PostgreSQL when it is gone.

    A file that lags behind by a second could bring a deleted picture or a revoked key back; an empty Redis cannot.
    """
    path = layout.sockets / SOCKET
    command = [shutil.which("redis-server") or "redis-server", "--port", "0"]
    command += ["--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(layout.root)]
    command += ["--save", "", "--appendonly", "no", "--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru"]
    return Part(
        name="redis",
        command=tuple(command),
        ready=lambda: answers(path, b"PING\r\n", b"+PONG"),
        where=str(path),
        prepare=lambda: path.unlink(missing_ok=True),
    )
