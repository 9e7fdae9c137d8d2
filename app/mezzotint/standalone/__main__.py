"""`python -m mezzotint.standalone`: check what can be checked, then hand over to the supervisor."""

import argparse
import errno
import os
import pwd
import socket
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from mezzotint import registry, settings, wiring
from mezzotint.standalone import settings_file, stores
from mezzotint.standalone.layout import CODE, Layout
from mezzotint.standalone.locks import Taken, lock
from mezzotint.standalone.part import Part, PartFailed
from mezzotint.standalone.supervisor import Supervisor

ORDER = ("minio", "postgres", "redis", "renderers", "isolated", "origin", "edge", "worker")


class CannotStart(Exception):
    """One line that says what to do."""


EXPECTED = (
    CannotStart,
    PartFailed,
    stores.CannotUse,
    settings.SettingsError,
    registry.PluginError,
    tomllib.TOMLDecodeError,
)


def main() -> None:
    arguments = parser().parse_args()
    try:
        run(arguments)
    except EXPECTED as problem:
        sys.exit(f"mezzotint: {problem}")
    except KeyboardInterrupt:  # before the supervisor takes signals
        sys.exit("mezzotint: stopped")


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/run", description="Run Mezzotint on this machine. Ctrl-C stops it; data is kept."
    )
    parser.add_argument("--port", type=int, help="the public port (default: 8080)")
    parser.add_argument("--host", help="the name that browsers reach it by (default: localhost)")
    parser.add_argument("--folder", type=Path, default=CODE / "var", help="where data is kept (default: var)")
    parser.add_argument("--user", default="mezzotint", help="whom root runs it as (default: mezzotint)")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=ORDER,
        metavar="PART,…",
        help=f"start these parts alone, of {', '.join(ORDER)}",
    )
    stores.add_arguments(parser)
    return parser


def run(arguments: argparse.Namespace) -> None:
    if arguments.port == 0:
        raise CannotStart("port 0 is none that anybody could find: choose another with --port")
    layout = Layout(arguments.folder.resolve())
    for name in ("s3_access_key_file", "s3_secret_key_file"):
        if file := getattr(arguments, name):
            setattr(arguments, name, file.resolve())
    try:
        if os.geteuid() == 0:
            become(arguments.user, layout.root)
        os.umask(0o077)
        layout.create()
    except PermissionError as refused:
        raise CannotStart(
            f"the user {pwd.getpwuid(os.geteuid()).pw_name} may not write to {refused.filename}: "
            "make that user its owner, or choose another folder with --folder"
        ) from None
    except OSError as refused:
        raise CannotStart(
            f"{layout.root} can't be made ({refused.strerror}): choose another folder with --folder"
        ) from None
    os.chdir(layout.root)  # where we were called may be closed to us
    try:
        lock(layout.root / "supervisor.lock")
        inherited = lock(layout.root / "parts.lock", patience=60.0)  # those of a killed supervisor may be ending
    except Taken as other:
        raise CannotStart(
            f"runs already in {layout.root} ({other}); stop that one, or choose another --folder"
        ) from None
    os.environ[settings.ENVIRONMENT] = str(write_settings(layout, arguments))
    loaded = settings.load()
    if "edge" in arguments.only:
        check_port(loaded.edge.port)
    supervisor = Supervisor(
        parts(layout, loaded, arguments.only),
        logs=layout.logs,
        status_file=layout.status_file,
        inherited=inherited,
        say=say,
    )
    say(f"Mezzotint in {layout.root}")
    try:
        supervisor.run(lambda: welcome(layout, loaded, arguments.only))
    finally:
        layout.discard_sockets()


def write_settings(layout: Layout, arguments: argparse.Namespace) -> Path:
    """The file's path. Raises what tells that these settings can't be."""
    chosen = stores.choose(layout, arguments)
    tables = settings_file.compose(layout, stores=chosen, host=arguments.host, port=arguments.port)
    parsed = settings.parse(tables)
    wiring.storages(parsed.stores, registry.load(parsed.plugins.enabled))  # or a log would tell of their mistakes
    if layout.settings_file.exists() and not arguments.store_moved:
        stores.check_kept(layout, tomllib.loads(layout.settings_file.read_text()), tables, parsed.plugins.enabled)
    if arguments.store:
        if tables["stores"] != chosen:
            raise CannotStart("conf/mezzotint.toml says where pictures are kept: change it there, or leave out --store")
        stores.remember(layout, chosen)
    return settings_file.write(layout, tables)


def become(name: str, folder: Path) -> None:
    """Give up being root, for good; a folder that is made for the user is the user's."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise CannotStart(f"there is no user {name} to run as; name another one with --user") from None
    if user.pw_uid == 0:
        raise CannotStart("nothing runs as root here; name another user with --user")
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = str(folder)


def parts(layout: Layout, loaded: settings.Settings, only: list[str]) -> list[Part]:
    if unknown := set(only) - set(ORDER):
        raise CannotStart(f"there is no part {', '.join(sorted(unknown))}; the parts are {', '.join(ORDER)}")
    modules = [import_module(f"mezzotint.standalone.parts.{name}") for name in ORDER if name in only]
    return [part for module in modules if (part := module.part(layout, loaded)) is not None]


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as refused:
            if refused.errno == errno.EADDRINUSE:
                raise CannotStart(f"port {port} is used by another program: choose another with --port") from None
            if refused.errno == errno.EACCES:
                raise CannotStart(f"may not open port {port}: choose one above 1023 with --port") from None
            raise


def welcome(layout: Layout, loaded: settings.Settings, only: list[str]) -> None:
    if set(ORDER) <= set(only):
        key_file = layout.secrets / "api_key"
        subprocess.run(
            [sys.executable, "-P", "-m", "mezzotint.standalone.demo", str(key_file)], check=False, timeout=60
        )
        say(f"Ready at {loaded.public.base_url}. Ctrl-C stops everything; data is kept.")


def say(line: str) -> None:
    with suppress(OSError):  # nobody reads any more: not a reason to stop serving
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
