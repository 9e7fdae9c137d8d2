"""`python3 -m mezzotint.standalone.edge_image`: how the edge's container starts. Renders nginx's files, then is nginx.

Standard library alone, like `nginx.py`. Settings come from the environment, by the names that all settings have there.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from mezzotint.standalone import nginx
from mezzotint.standalone.layout import CODE

STATE = Path("/var/lib/mezzotint")
NEEDED = ("PUBLIC__HOSTS", "REDIS__URL", "SECURITY__SEAL_KEY_FILE", "EDGE__ORIGINS")


def main() -> None:
    given = {name.removeprefix("MEZZOTINT_"): value for name, value in os.environ.items()}
    if missing := [name for name in NEEDED if not given.get(name)]:
        sys.exit(f"edge: set {', '.join(f'MEZZOTINT_{name}' for name in missing)}")
    prefix = STATE / "edge"
    try:
        nginx.install(prefix, nginx.here(edge(given, prefix)), json.loads((CODE / "grammar.json").read_text()))
    except (OSError, ValueError) as problem:
        sys.exit(f"edge: {problem}")
    command = nginx.command(prefix)
    os.execv(command[0], command)  # noqa: S606 - signals are for nginx


def edge(given: Mapping[str, str], prefix: Path) -> nginx.Edge:
    """What the settings say of the edge. Raises ValueError for what is no number, OSError without the seal key."""
    seal_key = Path(given["SECURITY__SEAL_KEY_FILE"])
    seal_key.read_text()
    return nginx.Edge(
        listen=str(int(given.get("EDGE__PORT", "8080"))),
        hosts=tuple(given["PUBLIC__HOSTS"].split(",")),
        redis=given["REDIS__URL"],
        seal_key=seal_key,
        grammar=prefix / "grammar.json",
        cache_folder=Path(given.get("EDGE__CACHE_FOLDER", STATE / "cache")),
        access_log=Path("/dev/stdout"),
        origins=tuple(given["EDGE__ORIGINS"].split(",")),
        miss_socket=prefix / "miss.sock",
        status_socket=prefix / "status.sock",
        cache_bytes=int(given.get("EDGE__CACHE_BYTES", nginx.CACHE_BYTES)),
        misses_per_second=int(given.get("EDGE__MISSES_PER_SECOND", nginx.MISSES_PER_SECOND)),
        upload_bytes=int(given.get("EDGE__UPLOAD_BYTES", nginx.UPLOAD_BYTES)),
        stores=tuple(filter(None, given.get("EDGE__STORES", "").split(","))),
    )


if __name__ == "__main__":
    main()
