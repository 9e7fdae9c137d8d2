"""The edge: nginx with Lua, on the one public port."""

import json
import re
import resource
import shutil
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mezzotint import registry
from mezzotint.settings import Settings
from mezzotint.standalone.layout import CODE, Layout
from mezzotint.standalone.part import Part
from mezzotint.standalone.probes import answers

SOURCE = CODE / "nginx"
DEBIAN_MODULES = Path("/usr/lib/nginx/modules")
OPEN_FILES_MAX = 16384
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

_PLACE = re.compile(r"@([a-z_]+)@")
_UNSPEAKABLE = re.compile(r'["\\$\x00-\x1f]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What the templates leave open, by the names they use. Paths are absolute; `cache_bytes` bounds the disk."""

    listen: str
    hosts: tuple[str, ...]
    redis: str
    seal_key: Path
    grammar: Path
    cache_folder: Path
    access_log: Path
    origin_socket: Path
    miss_socket: Path
    status_socket: Path
    cache_bytes: int = 10 * 1024**3
    misses_per_second: int = 200
    workers: str = "auto"
    open_files: int = OPEN_FILES_MAX
    modules: tuple[Path, ...] = ()


def render(templates: Mapping[str, str], edge: Edge) -> dict[str, str]:
    """nginx's configuration files by their names. Raises ValueError for a value that a quoted string can't hold."""
    values = {name: str(value) for name, value in asdict(edge).items()}
    values["hosts"] = " ".join(edge.hosts)
    values["modules"] = "\n".join(f'load_module "{module}";' for module in edge.modules)
    for name in values.keys() - {"modules"}:
        if _UNSPEAKABLE.search(values[name]):
            raise ValueError(f"{name}: {values[name]!r} has a quote, a backslash, a $ or a control character")
    return {file: _PLACE.sub(lambda place: values[place[1]], text) for file, text in templates.items()}


def install(folder: Path, edge: Edge, grammar: Mapping[str, object]) -> None:
    """Make `folder` a prefix to start nginx in: configuration, Lua, grammar and places for temporary files."""
    templates = {str(path.relative_to(SOURCE)): path.read_text() for path in SOURCE.rglob("*.conf")}
    for name, text in render(templates, edge).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    shutil.copytree(SOURCE / "lua", folder / "lua", dirs_exist_ok=True)
    edge.grammar.write_text(json.dumps(grammar))
    for name in TEMPORARY:
        (folder / "temp" / name).mkdir(parents=True, exist_ok=True)
    for socket in (edge.miss_socket, edge.status_socket):
        socket.unlink(missing_ok=True)  # a killed nginx leaves them behind, and could not bind them again


def command(folder: Path) -> tuple[str, ...]:
    """How to start nginx in the foreground with `folder` as its prefix."""
    program = shutil.which("nginx") or shutil.which("openresty") or "/usr/sbin/nginx"
    return (program, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr")


def part(layout: Layout, settings: Settings) -> Part:
    folder = layout.root / "edge"
    edge = Edge(
        listen=str(settings.edge.port),
        hosts=settings.public.hosts,
        redis=settings.redis.url,
        seal_key=settings.security.seal_key_file,
        grammar=folder / "grammar.json",
        cache_folder=settings.edge.cache_folder or layout.root / "cache",
        access_log=layout.logs / "access.log",
        origin_socket=settings.origin.socket,
        miss_socket=layout.sockets / "miss.sock",
        status_socket=layout.sockets / "edge.sock",
        cache_bytes=settings.edge.cache_bytes,
        misses_per_second=settings.edge.misses_per_second,
    )

    def prepare() -> None:
        install(folder, here(edge), registry.load(settings.plugins.enabled).grammar().export())

    return Part(
        name="edge",
        command=command(folder),
        ready=lambda: answers(edge.status_socket, b"GET /status HTTP/1.0\r\n\r\n", b"HTTP/1.1 200"),
        where=settings.public.base_url,
        prepare=prepare,
        stop_signal=signal.SIGQUIT,  # requests in flight are answered first
    )


def here(edge: Edge) -> Edge:
    """`edge` with what only this machine can tell: Debian's module files (OpenResty has them built in), open files."""
    modules = [DEBIAN_MODULES / f"{name}.so" for name in ("ndk_http_module", "ngx_http_lua_module")]
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return replace(
        edge,
        modules=tuple(module for module in modules if module.exists()),
        open_files=OPEN_FILES_MAX if limit == resource.RLIM_INFINITY else min(limit, OPEN_FILES_MAX),
    )
