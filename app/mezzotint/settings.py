"""The settings, one frozen dataclass a room: read once, every mistake reported at once, unsafe ones refused.

A TOML file (`MEZZOTINT_CONFIG`) gives them; `MEZZOTINT_{ROOM}__{NAME}` in the environment wins over the file.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

ENVIRONMENT = "MEZZOTINT_CONFIG"
_PREFIX = "MEZZOTINT_"
_LISTS = {"hosts", "enabled", "formats", "lock_urls", "origins", "stores"}
_LOOSENING = (
    "VIPS_UNLIMITED",
    "LIBHEIF_SECURITY_LIMITS",
    "LIBTIFF_ALLOW_LARGE_LIBJPEG_MEM_ALLOC",
    "LIBTIFF_JPEG_MAX_ALLOWED_SCAN_NUMBER",
)
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_STRICT = ConfigDict(extra="forbid")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_BIND = re.compile(r"unix:/[^\s;{}]+|(?:[A-Za-z0-9_.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}", re.ASCII)


class SettingsError(Exception):
    """The settings can't be used; one line a mistake."""


def _host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise ValueError("is a host name in lower case, without scheme or port")
    return name


def _bind(address: str) -> str:
    if not _BIND.fullmatch(address):
        raise ValueError("is unix:/path or host:port")
    return address


def _processors() -> int:
    """How many this process may use; a container may be held to less time than all of them have."""
    allowed = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):  # no such file, or "max"
        quota, period = _QUOTA.read_text().split()
        return max(1, min(allowed, int(quota) // int(period)))
    return allowed


Host = Annotated[str, AfterValidator(_host)]
Bind = Annotated[str, AfterValidator(_bind)]
Nice = Annotated[int, Field(ge=0, le=19)]
NotNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, config=_STRICT)
class Public:
    """Where the world finds us: the host names served (anything else is a 421) and the address written into URLs."""

    hosts: Annotated[tuple[Host, ...], Field(min_length=1)] = ("localhost",)
    base_url: str = "http://localhost:8080"


@dataclass(frozen=True, config=_STRICT)
class DatabaseSettings:
    """PostgreSQL, by role; only migrations use the owner's."""

    app_dsn: str
    operator_dsn: str
    owner_dsn: str | None = None
    pool_size: Positive = 8
    timeout: Seconds = 2.0


@dataclass(frozen=True, config=_STRICT)
class RedisSettings:
    """Redis: cache, locks, snapshots. With `lock_urls`, locks are held on the majority of these servers instead."""

    url: str
    timeout: Seconds = 0.5
    lock_urls: tuple[str, ...] = ()


@dataclass(frozen=True, config=ConfigDict(extra="allow"))
class Store:
    """A named store: the kind of storage, and that storage's own options beside it."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, config=_STRICT)
class Security:
    """The file with the key that seals signing secrets (64 hex digits, mode 0600)."""

    seal_key_file: Path


@dataclass(frozen=True, config=_STRICT)
class RendererSettings:
    """The renderer pool: `deadline` and `queue` bound each render; `memory_bytes` and `recycle` (jobs) each worker.

    `nice` is how far they stand back: hits, and whatever else is quick, go first.

    `background` is how many more there are for what nobody waits for, in the time that the others leave.
    """

    socket: Path
    workers: Positive = field(default_factory=_processors)
    background: NotNegative = 1
    queue: Positive = 64
    queue_per_tenant: Positive = 32
    deadline: Seconds = 20.0
    memory_bytes: Positive = 3 * 1024**3
    recycle: Positive = 5000
    nice: Nice = 19


@dataclass(frozen=True, config=_STRICT)
class IsolationSettings:
    """The isolated renderers: the formats that they let in (None: those that are by default), and the bounds of
    each job and worker.

    `policy` is the folder of ImageMagick's policy.xml. Without a socket there are none, nor these formats.
    """

    socket: Path | None = None
    formats: tuple[str, ...] | None = None
    workers: Positive = 1
    queue: Positive = 32
    queue_per_tenant: Positive = 16
    cpu_seconds: Seconds = 10.0
    memory_bytes: Positive = 2 * 1024**3
    recycle: Positive = 500
    nice: Nice = 19
    policy: Path = Path(__file__).resolve().parents[2] / "conf/imagemagick"


@dataclass(frozen=True, config=_STRICT)
class Origin:
    """Where the origin listens (`unix:/path` or `host:port`), its processes, and how many deliveries each takes on at
    once before it refuses.
    """

    bind: Bind
    workers: Positive = 2
    in_flight: Positive = 128


@dataclass(frozen=True, config=_STRICT)
class Edge:
    """nginx: the public port, the origins behind it (none: the one that `origin` describes), the folder of its cache
    and how large that may grow, and uploads (bytes).

    `stores`: NAME=URL of those that it fetches pictures from by itself; None: of all that it can, beside its origin.
    """

    port: Annotated[int, Field(gt=0, lt=65536)] = 8080
    origins: tuple[Bind, ...] = ()
    cache_folder: Path | None = None
    cache_bytes: Positive = 10 * 1024**3
    misses_per_second: Positive = 200
    upload_bytes: Positive = 1024**3
    stores: tuple[str, ...] | None = None


@dataclass(frozen=True, config=_STRICT)
class Worker:
    """Background work: its processes, where they hear that there is some, and when things are due (seconds).

    `broker` is a Celery URL; None: the same Redis. A job that takes `job_seconds` is ended, and tried again later.
    `access_log` is the edge's, for counting what its cache answers.
    """

    broker: str | None = None
    processes: Positive = 2
    job_seconds: Positive = 240
    unfinished_after: Positive = 3600
    deleted_after: NotNegative = 7 * 86_400
    sweep_every: Positive = 7 * 86_400
    orphaned_after: Positive = 86_400
    improve_after: Positive = 50
    warm_after: Positive = 7 * 86_400
    cold_after: Positive = 30 * 86_400
    access_log: Path | None = None


@dataclass(frozen=True, config=_STRICT)
class Spool:
    """Local disk: uploads on their way in, originals brought near for the renderers (at most `sources_bytes`), and
    pixels decoded already (at most `pixels_bytes`; none when it is 0).
    """

    folder: Path
    sources_bytes: Positive = 2 * 1024**3
    pixels_bytes: NotNegative = 2 * 1024**3


@dataclass(frozen=True, config=_STRICT)
class Plugins:
    """The plug-ins in use, by the names of their entry points."""

    enabled: tuple[str, ...] = ("standard",)


@dataclass(frozen=True, config=_STRICT)
class Logging:
    """How much is logged, as JSON lines on standard output."""

    level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"


@dataclass(frozen=True, config=_STRICT)
class Settings:
    """All of them. The stores `originals` and `variants` must be there."""

    database: DatabaseSettings
    redis: RedisSettings
    stores: dict[str, Store]
    security: Security
    renderers: RendererSettings
    origin: Origin
    spool: Spool
    public: Public = field(default_factory=Public)
    edge: Edge = field(default_factory=Edge)
    worker: Worker = field(default_factory=Worker)
    isolation: IsolationSettings = field(default_factory=IsolationSettings)
    plugins: Plugins = field(default_factory=Plugins)
    logging: Logging = field(default_factory=Logging)


def load(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of `path`, or of the file that MEZZOTINT_CONFIG names. Raises SettingsError with every mistake."""
    named = path or (Path(environment[ENVIRONMENT]) if ENVIRONMENT in environment else None)
    tables = _read(named) if named else {}
    for variable, value in environment.items():
        room, separator, name = variable.removeprefix(_PREFIX).lower().partition("__")
        if variable.startswith(_PREFIX) and separator:
            tables.setdefault(room, {})[name] = value.split(",") if name in _LISTS else value
    if not tables:
        raise SettingsError(f"no settings: name a file in {ENVIRONMENT}, or start all with scripts/run")
    settings = parse(tables)
    problems = unsafe(settings)
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def parse(tables: Mapping[str, Any]) -> Settings:
    """Settings from the tables of a TOML file. Raises SettingsError with every mistake."""
    stores = {
        name: {"kind": table.get("kind", ""), "options": {key: table[key] for key in table if key != "kind"}}
        for name, table in tables.get("stores", {}).items()
    }
    missing = [f"stores.{name}: is missing" for name in ("originals", "variants") if name not in stores]
    try:
        settings = TypeAdapter(Settings).validate_python({**tables, "stores": stores})
    except ValidationError as invalid:
        lines = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in invalid.errors()]
        raise SettingsError("\n".join(lines + missing)) from None
    if missing:
        raise SettingsError("\n".join(missing))
    return settings


def unsafe(settings: Settings) -> list[str]:
    """What must not be served with, a line each; empty when all is well."""
    problems = []
    key_file = settings.security.seal_key_file
    try:
        mode = stat.S_IMODE(key_file.stat().st_mode)
    except OSError as error:
        problems.append(f"security.seal_key_file: {key_file} can't be read: {error.strerror}")
    else:
        if mode & 0o077:
            problems.append(f"security.seal_key_file: {key_file} is open to others (mode {mode:04o}); chmod 600 it")
    problems += [
        f"{name} is set: it switches off limits of the libraries that decode pictures; unset it"
        for name in _LOOSENING
        if name in os.environ
    ]
    return problems


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None
