"""The real MinIO, or the S3 server that S3_ENDPOINT names."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from mezzotint.standalone.golang import installed
from mezzotint.standalone.parts import minio
from tests.servers.s3 import S3Server


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
    encryption_key = hashlib.sha256(server.secret_key.encode()).hexdigest()
    return server.serving(
        minio.command(folder, server.endpoint),
        folder,
        **minio.environment(server.access_key, server.secret_key, encryption_key),
    )


def program() -> Path:
    """Where the one is that was built, for installations that may not look into our home."""
    return installed(minio.PACKAGE, minio.VERSION)
