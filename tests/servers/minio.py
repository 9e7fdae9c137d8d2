"""The real MinIO, or the S3 server that S3_ENDPOINT names."""

import base64
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.golang import installed
from tests.servers.installation import free_port
from tests.servers.s3 import S3Server

PACKAGE = "github.com/minio/minio"
VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"


@contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """MinIO with its data in `folder`; or S3_ENDPOINT (a URL) with S3_ACCESS_KEY and S3_SECRET_KEY as it is."""
    if given := os.environ.get("S3_ENDPOINT"):
        url = urlsplit(given)
        yield S3Server(url.netloc, os.environ["S3_ACCESS_KEY"], os.environ["S3_SECRET_KEY"], url.scheme == "https")
        return
    server = S3Server()
    command: list[str | Path] = [installed(PACKAGE, VERSION), "server", folder / "data"]
    addresses = ["--address", server.endpoint, "--console-address", f"127.0.0.1:{free_port()}"]
    with server.serving(
        [*command, *addresses],
        folder,
        MINIO_ROOT_USER=server.access_key,
        MINIO_ROOT_PASSWORD=server.secret_key,
        MINIO_KMS_SECRET_KEY=f"tests:{base64.b64encode(secrets.token_bytes(32)).decode()}",  # for encryption at rest
        MINIO_BROWSER="off",
        MINIO_UPDATE="off",
    ):
        yield server
