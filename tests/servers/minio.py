"""The real MinIO, or the S3 server that S3_ENDPOINT names."""

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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
    else:
        with serving(S3Server(), folder) as server:
            yield server


def serving(server: S3Server, folder: Path) -> AbstractContextManager[S3Server]:
    """MinIO as this very server, its data from an earlier time if need be; `certificates/` holds those for TLS."""
    encryption_key = base64.b64encode(hashlib.sha256(server.secret_key.encode()).digest()).decode()
    return server.serving(
        [
            *(installed(PACKAGE, VERSION), "server", folder / "data"),
            *("--certs-dir", folder / "certificates"),
            *("--address", server.endpoint, "--console-address", f"127.0.0.1:{free_port()}"),
        ],
        folder,
        MINIO_ROOT_USER=server.access_key,
        MINIO_ROOT_PASSWORD=server.secret_key,
        MINIO_KMS_SECRET_KEY=f"tests:{encryption_key}",  # for encryption at rest
        MINIO_BROWSER="off",
        MINIO_UPDATE="off",
    )
