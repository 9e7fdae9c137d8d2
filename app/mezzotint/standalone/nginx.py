"""nginx's files for an edge, from the templates in `nginx/`: a prefix folder to start it in.

Standard library alone, since the edge's image holds nothing else.
"""

import json
import re
import resource
import secrets
import shutil
import ssl
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mezzotint.standalone.layout import CODE

SOURCE = CODE / "nginx"
DEBIAN_NGINX, DEBIAN_MODULES = Path("/usr/sbin/nginx"), Path("/usr/lib/nginx/modules")
RESOLV_CONF = Path("/etc/resolv.conf")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
OPEN_FILES_MAX = 16384
CACHE_BYTES, MISSES_PER_SECOND, UPLOAD_BYTES = 10 * 1024**3, 200, 1024**3  # as in the settings
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

_PLACE = re.compile(r"@([a-z_]+)@")
_UNSPEAKABLE = re.compile(r'["\\$\x00-\x1f]')
_STORE = re.compile(
    r"(?P<name>[A-Za-z0-9_-]+)="
    r"(?:file://(?P<folder>/.*[^/])|(?P<server>https?://(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?))"
)
_ADDRESS = re.compile(r"[0-9.]+|\[.*\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What the templates leave open, by the names they use. Paths are absolute; `cache_bytes` bounds the disk.

    `origins` are nginx's own words for servers: `unix:/path` or `host:port`. `resolvers` are the addresses of name
    servers, for a Redis or a store's server that is named. `stores` are those that nginx fetches pictures from by
    itself, as `NAME=file:///folder` or `NAME=https://host:port`; `certificates` vouch for the latter. `run` names one
    start of one edge: requests are named after it.
    """

    listen: str
    hosts: tuple[str, ...]
    redis: str
    seal_key: Path
    grammar: Path
    cache_folder: Path
    access_log: Path
    origins: tuple[str, ...]
    miss_socket: Path
    status_socket: Path
    cache_bytes: int = CACHE_BYTES
    misses_per_second: int = MISSES_PER_SECOND
    upload_bytes: int = UPLOAD_BYTES
    workers: str = "auto"
    open_files: int = OPEN_FILES_MAX
    modules: tuple[Path, ...] = ()
    resolvers: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    certificates: Path = CERTIFICATES
    run: str = "0"


def render(templates: Mapping[str, str], edge: Edge) -> dict[str, str]:
    """nginx's configuration files by their names. Raises ValueError for a value that a quoted string can't hold."""
    values = {}
    for name, value in asdict(edge).items():
        values[name] = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if _UNSPEAKABLE.search(values[name]):
            raise ValueError(f"{name}: {values[name]!r} has a quote, a backslash, a $ or a control character")
    values["modules"] = "\n".join(f'load_module "{module}";' for module in edge.modules)
    values["origins"] = " ".join(f'server "{origin}";' for origin in edge.origins)
    values["resolvers"] = f"resolver {values['resolvers']} valid=10s; resolver_timeout 2s;" if edge.resolvers else ""
    values["store_names"] = " ".join(fetchable(store)["name"] for store in edge.stores)
    values["stores"] = "\n".join(map(_location, edge.stores))
    return {file: _PLACE.sub(lambda place: values[place[1]], text) for file, text in templates.items()}


def fetchable(store: str) -> re.Match[str]:
    """What `NAME=URL` tells: its `name`, and its `folder` or `server`.

    Raises ValueError, with the reason, when nginx can't fetch from there by itself.
    """
    told = _STORE.fullmatch(store)
    if told is None or _UNSPEAKABLE.search(store):
        raise ValueError(f"{store}: is not NAME=file:///folder, NAME=http://host:port or NAME=https://host")
    if told["server"] and _ADDRESS.fullmatch(told["host"]) and told["server"].startswith("https:"):
        raise ValueError(f"{store}: nginx holds certificates against names, not against addresses")
    return told


def _location(store: str) -> str:
    """Where an answer of the origin sends nginx for what lies in a store."""
    told = fetchable(store)
    if folder := told["folder"]:
        how = f'alias "{folder}/"; disable_symlinks on "from={folder}"; include conf.d/stored_file.conf;'
    else:
        scheme, _, host = told["server"].partition("://")
        at = host.replace("localhost", "127.0.0.1") if told["host"] == "localhost" else host  # no name server knows it
        how = f'set $store_server "{scheme}://{at}"; set $store_host "{host}"; include conf.d/stored_object.conf;'
        how += " include conf.d/stored_tls.conf;" if scheme == "https" else ""
    return f"location ^~ /_stored/{told['name']}/ {{ {how} }}"


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


def program() -> Path:
    """The nginx that is found first."""
    return Path(shutil.which("nginx") or shutil.which("openresty") or DEBIAN_NGINX)


def command(folder: Path) -> tuple[str, ...]:
    """How to start nginx in the foreground with `folder` as its prefix."""
    return (str(program()), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr")


def here(edge: Edge) -> Edge:
    """`edge` with what only this machine can tell: the module files of Debian's nginx (OpenResty's has its own built in
    and could not load these), open files, name servers; and with a name for the start that is at hand.
    """
    debian = program().resolve() == DEBIAN_NGINX.resolve()
    modules = [DEBIAN_MODULES / f"{name}.so" for name in ("ndk_http_module", "ngx_http_lua_module")] if debian else []
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return replace(
        edge,
        modules=tuple(module for module in modules if module.exists()),
        open_files=OPEN_FILES_MAX if limit == resource.RLIM_INFINITY else min(limit, OPEN_FILES_MAX),
        resolvers=edge.resolvers or name_servers(RESOLV_CONF.read_text() if RESOLV_CONF.exists() else ""),
        certificates=Path(ssl.get_default_verify_paths().cafile or CERTIFICATES),
        run=secrets.token_hex(8),
    )


def name_servers(resolv_conf: str) -> tuple[str, ...]:
    """As nginx spells their addresses. Those with a zone (`fe80::1%eth0`) it can't take."""
    named = [line.split()[1] for line in resolv_conf.splitlines() if line.startswith("nameserver ")]
    return tuple(f"[{address}]" if ":" in address else address for address in named if "%" not in address)
