"""`python -m mezzotint.standalone.edge_image HOST…`: the edge's files for a container image, where each has its place.

What differs between installations is mounted: the origin's and Redis' sockets and the seal key under /run/mezzotint.
"""

import sys
from pathlib import Path

from mezzotint import registry
from mezzotint.standalone.parts.edge import DEBIAN_MODULES, Edge, install

FOLDER = Path("/var/lib/mezzotint/edge")
MOUNTED = Path("/run/mezzotint")
MODULES = ("ndk_http_module", "ngx_http_lua_module")


def main() -> None:
    edge = Edge(
        listen="8080",
        hosts=tuple(sys.argv[1:]),
        redis=f"unix://{MOUNTED}/redis.sock",
        seal_key=MOUNTED / "seal.key",
        grammar=FOLDER / "grammar.json",
        cache_folder=FOLDER / "cache",
        access_log=Path("/dev/stdout"),
        origin_socket=MOUNTED / "origin.sock",
        miss_socket=FOLDER / "miss.sock",
        status_socket=FOLDER / "status.sock",
        modules=tuple(DEBIAN_MODULES / f"{name}.so" for name in MODULES),
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    install(FOLDER, edge, registry.load(["standard"]).grammar().export())


if __name__ == "__main__":
    main()
