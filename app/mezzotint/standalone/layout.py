"""Where an installation keeps its state: one private folder, and a short one for sockets when that path is long."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH_MAX = 107  # bytes of sockaddr_un.sun_path, less its closing zero
LONGEST_SOCKET = ".s.PGSQL.5432"
CODE = Path(__file__).resolve().parents[3]  # holds app/, conf/ and nginx/


@dataclass(frozen=True, slots=True)
class Layout:
    """`root` is absolute. Every folder is made by `create` and has mode 0700."""

    root: Path

    @property
    def sockets(self) -> Path:
        """Resolved, since a link to the short folder would be as long as what it stands for."""
        return (self.root / "run").resolve()

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def access_log(self) -> Path:
        return self.logs / "access.log"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def settings_file(self) -> Path:
        return self.root / "mezzotint.toml"

    @property
    def status_file(self) -> Path:
        return self.root / "status.json"

    def create(self) -> None:
        for folder in (self.root, self.logs, self.secrets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        run = self.root / "run"
        if run.is_symlink() and not run.exists():
            run.unlink()  # its target went with a restart of the machine
        if run.exists():
            return
        if len(os.fsencode(run / LONGEST_SOCKET)) <= SOCKET_PATH_MAX:
            run.mkdir(mode=0o700)
        else:
            run.symlink_to(tempfile.mkdtemp(prefix="mezzotint-", dir="/tmp"))

    def discard_sockets(self) -> None:
        """Take away the short folder, which nobody would look for."""
        run = self.root / "run"
        if run.is_symlink():
            shutil.rmtree(self.sockets, ignore_errors=True)
            run.unlink()
