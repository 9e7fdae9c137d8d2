"""The real versitygw: a folder behind plain S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mezzotint.standalone.golang import installed
from tests.servers.s3 import S3Server

PACKAGE = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"


@contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """versitygw with its data in `folder`."""
    server = S3Server()
    iam, data = folder / "iam", folder / "data"
    iam.mkdir()
    data.mkdir()
    with server.serving(
        [installed(PACKAGE, VERSION), "--port", server.endpoint, "--iam-dir", iam, "posix", data],
        folder,
        ROOT_ACCESS_KEY=server.access_key,
        ROOT_SECRET_KEY=server.secret_key,
    ):
        yield server
