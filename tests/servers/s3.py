"""A real server that speaks S3, running in a temporary folder for as long as a test needs it."""

import os
import secrets
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.installation import PATIENCE, free_port


@dataclass(frozen=True)
class S3Server:
    """Where it listens, and whom it lets in."""

    endpoint: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    access_key: str = field(default_factory=lambda: secrets.token_hex(10))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(20))
    secure: bool = False

    def options(self, bucket: str) -> dict[str, Any]:
        """Of a `minio` store in the settings, which makes its bucket; patient, since a test machine is busy."""
        return {
            "endpoint": self.endpoint,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "secure": self.secure,
            "bucket": bucket,
            "create_bucket": True,
            "timeout": 30.0,
        }

    @contextmanager
    def serving(self, command: Sequence[str | Path], folder: Path, **environment: str) -> Iterator["S3Server"]:
        """Run the command until the context ends; it dies with us whatever happens."""
        with (folder / "output").open("ab") as output:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env={**os.environ, "HOME": str(folder), **environment},
                cwd=folder,
                stdout=output,
                stderr=output,
            )
        try:
            end = time.monotonic() + PATIENCE
            while not self._answers():
                assert process.poll() is None, (folder / "output").read_text()
                assert time.monotonic() < end, (folder / "output").read_text()
                time.sleep(0.05)
            yield self
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _answers(self) -> bool:
        try:
            # Whether its certificate is good is for a test to try.
            anyone = ssl._create_unverified_context() if self.secure else None
            scheme = "https" if self.secure else "http"
            urllib.request.urlopen(f"{scheme}://{self.endpoint}/", timeout=5, context=anyone).close()
        except urllib.error.HTTPError as refusal:
            return refusal.code < 500  # it asks who we are: ready
        except OSError:
            return False
        return True
