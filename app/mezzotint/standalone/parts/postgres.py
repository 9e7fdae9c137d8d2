"""A private PostgreSQL cluster on a unix socket, passwords required, never a TCP port."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from mezzotint.data import migrations, roles
from mezzotint.settings import Settings
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.part import Part, PartFailed
from mezzotint.standalone.secrets_folder import secret

ADMIN = "mezzotint_admin"
DATABASE = "mezzotint"
DEBIAN = Path("/usr/lib/postgresql")


def dsn(layout: Layout, role: str, database: str = DATABASE) -> str:
    """A connection URI for `role`, with the password that belongs to it."""
    password = secret(layout.secrets, f"postgres_{role}")
    return f"postgresql://{role}:{password}@/{database}?host={quote(str(layout.sockets), safe='')}"


def part(layout: Layout, _settings: Settings) -> Part:
    cluster = layout.root / "postgres"
    programs = _programs(cluster)
    command = [str(programs / "postgres"), "-D", str(cluster), "-k", str(layout.sockets)]
    for setting in ("listen_addresses=", "unix_socket_permissions=0700", "shared_buffers=64MB"):
        command += ["-c", setting]
    probe = [str(programs / "pg_isready"), "-q", "-h", str(layout.sockets), "-U", ADMIN, "-d", "postgres"]
    return Part(
        name="postgres",
        command=tuple(command),
        ready=lambda: subprocess.run(probe, check=False).returncode == 0,
        where=str(layout.sockets),
        prepare=lambda: _create(layout, cluster, programs),
        settle=lambda: _settle(layout),
        stop_signal=signal.SIGINT,  # PostgreSQL's "fast": ends sessions, loses nothing
        patience=120.0,  # recovery after a crash replays the log
        grace=30.0,
    )


def _programs(cluster: Path) -> Path:
    """The folder of the version that made the cluster, or of the newest one for a new cluster."""
    made_by = cluster / "PG_VERSION"
    versions = [int(folder.name) for folder in DEBIAN.glob("*") if (folder / "bin/postgres").exists()]
    wanted = int(made_by.read_text()) if made_by.exists() else max(versions, default=0)
    if wanted not in versions:
        raise PartFailed(f"PostgreSQL {wanted or ''} is not installed: apt-get install postgresql")
    return DEBIAN / str(wanted) / "bin"


def _create(layout: Layout, cluster: Path, programs: Path) -> None:
    """Made aside and renamed, so that an interrupted one is not taken for a cluster."""
    if cluster.exists():
        return
    secret(layout.secrets, f"postgres_{ADMIN}")
    with tempfile.TemporaryDirectory(dir=layout.root, prefix=".postgres-") as aside:
        fresh = Path(aside) / "cluster"
        command = [str(programs / "initdb"), "-D", str(fresh), "-U", ADMIN, "--auth=scram-sha-256"]
        command += [f"--pwfile={layout.secrets / f'postgres_{ADMIN}'}", "-E", "UTF8", "--locale=C.UTF-8"]
        made = subprocess.run(
            command, check=False, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
        )
        if made.returncode != 0:
            told = [line for line in made.stderr.splitlines() if "error:" in line or "FATAL:" in line]
            why = told[0].partition(": ")[2] if told else f"initdb ended with {made.returncode}"
            raise PartFailed(f"PostgreSQL can't make its database in {layout.root}: {why}")
        fresh.rename(cluster)


def _settle(layout: Layout) -> None:
    """Roles and schema as this version needs them."""
    passwords = {role: secret(layout.secrets, f"postgres_mezzotint_{role}") for role in ("owner", "app", "operator")}
    roles.ensure(dsn(layout, ADMIN, "postgres"), passwords, database=DATABASE)
    migrations.upgrade(dsn(layout, roles.OWNER))
