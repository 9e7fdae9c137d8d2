"""Objects in a bucket of any server that speaks S3: MinIO, versitygw, Ceph, AWS …"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

from mezzotint.plugin_api import ObjectNotFound, Storage, StoredObject, StoreUnavailable, check_key

if TYPE_CHECKING:
    from minio import Minio
    from minio.datatypes import Object
    from urllib3 import BaseHTTPResponse, PoolManager

_CONNECTIONS = 32  # kept open for reuse; more are made when needed
_PART = 8 << 20  # bytes; what is larger goes up in parts of this size, one in memory at a time


class MinIO(Storage):
    """Keys below `prefix` in `bucket` of the server at `endpoint` (host:port).

    Credentials are given as they are or as files that hold them. `timeout` in seconds bounds each wait for the server:
    to connect, to send one part, for the next bytes. What timed out is not tried again; a refused connection or a 5xx
    is, twice, within half a second. `encrypt` asks the server to encrypt at rest (SSE-S3). `create_bucket` lets `check`
    make a missing bucket.

    `put_if_absent` is `If-None-Match: *`, never tried again once sent, so that its answer is about this very call. A
    server without that header answers 501 (StoreUnavailable) or ignores it: then two writers at the same moment may
    both hear True, and the later one's bytes stay.
    """

    kind = "minio"

    def __init__(
        self,
        *,
        endpoint: str,
        bucket: str,
        access_key: str = "",
        secret_key: str = "",
        access_key_file: str = "",
        secret_key_file: str = "",
        region: str = "us-east-1",
        secure: bool = True,
        prefix: str = "",
        create_bucket: bool = False,
        encrypt: bool = False,
        timeout: float = 5.0,
    ) -> None:
        from minio import Minio
        from minio.sse import SseS3

        access_key = _credential("access_key", access_key, access_key_file)
        secret_key = _credential("secret_key", secret_key, secret_key_file)

        def client(*, create_only: bool) -> Minio:
            http = _pool(timeout, create_only=create_only)
            return Minio(endpoint, access_key, secret_key, secure=secure, region=region, http_client=http)

        self._client = client(create_only=False)
        self._creator = client(create_only=True)
        self._bucket = bucket
        self._prefix = check_key(prefix.rstrip("/")) + "/" if prefix else ""
        self._create_bucket = create_bucket
        self._encryption = SseS3() if encrypt else None
        self._place = f"bucket {bucket} at {endpoint}"

    def put(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> StoredObject:
        self._upload(self._client, key, stream, size, content_type)
        return self._head(key)

    def put_if_absent(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> bool:
        # Asking first spares the sending, and is the only guard where the server ignores the condition.
        with suppress(ObjectNotFound):
            self._head(key)
            return False
        try:
            self._upload(self._creator, key, stream, size, content_type)
        except _RefusedError as refusal:
            if refusal.code != "PreconditionFailed":
                raise
            return False
        return True

    def get(self, key: str) -> bytes:
        with self.open(key) as stream:
            return stream.read()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        if start < 0 or length < 0:
            raise ValueError("a range can't be negative")
        if length == 0:  # which no Range header can ask for
            self.stat(key)
            return b""
        try:
            with self._errors(key), self._response(key, start, length) as stream:
                return stream.read()
        except _RefusedError as refusal:
            if refusal.code != "InvalidRange":
                raise
            return b""

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        with self._errors(key), self._response(key) as stream:
            yield stream

    def stat(self, key: str) -> StoredObject:
        try:
            return self._head(key)
        except ObjectNotFound:
            self._require_bucket()  # HEAD can't tell a missing bucket, where no object is known to be missing
            raise

    def delete(self, key: str) -> None:
        with suppress(ObjectNotFound), self._errors(key):
            self._client.remove_object(self._bucket, self._name(key))

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        with self._errors():
            for found in self._client.list_objects(
                self._bucket,
                prefix=self._prefix + prefix,
                start_after=self._prefix + after,
                recursive=True,
            ):
                key = str(found.object_name).removeprefix(self._prefix)
                with suppress(ValueError):  # another program's name for it
                    yield _described(check_key(key), found)

    def presigned_get(self, key: str, *, seconds: int) -> str:
        return self._client.presigned_get_object(self._bucket, self._name(key), timedelta(seconds=seconds))

    def presigned_put(self, key: str, *, seconds: int, content_type: str) -> str:
        return self._client.presigned_put_object(self._bucket, self._name(key), timedelta(seconds=seconds))

    def check(self) -> None:
        try:
            self._require_bucket()
        except _RefusedError as refusal:
            if not (self._create_bucket and refusal.code == "NoSuchBucket"):
                raise
            with self._errors():
                self._client.make_bucket(self._bucket)

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _upload(self, client: Minio, key: str, stream: BinaryIO, size: int, content_type: str) -> None:
        with self._errors(key):
            client.put_object(
                self._bucket,
                self._name(key),
                cast("BinaryIO", _Whole(stream)),
                size,
                content_type,
                sse=self._encryption,
                part_size=_PART,
                num_parallel_uploads=1,
            )

    def _head(self, key: str) -> StoredObject:
        with self._errors(key):
            return _described(key, self._client.stat_object(self._bucket, self._name(key)))

    @contextmanager
    def _response(self, key: str, start: int = 0, length: int = 0) -> Iterator[BinaryIO]:
        response = self._client.get_object(self._bucket, self._name(key), start, length)
        try:
            yield cast("BinaryIO", response)
        finally:
            response.close()  # a connection that was read to the end is back in the pool by now
            response.release_conn()

    def _require_bucket(self) -> None:
        with self._errors():
            if not self._client.bucket_exists(self._bucket):
                raise _RefusedError(self._place, "NoSuchBucket")

    @contextmanager
    def _errors(self, key: str = "") -> Iterator[None]:
        """Ours for the SDK's, telling S3's code or their type alone: they may quote requests and answers."""
        from minio.error import MinioException, S3Error
        from urllib3.exceptions import HTTPError

        try:
            yield
        except S3Error as refusal:
            if refusal.code == "NoSuchKey":
                raise ObjectNotFound(key) from None
            raise _RefusedError(self._place, str(refusal.code)) from None
        except (MinioException, HTTPError, ParseError, UnicodeDecodeError) as failure:
            reason = getattr(failure, "reason", failure)
            raise StoreUnavailable(f"{self._place}: {type(reason).__name__}") from None


class _RefusedError(StoreUnavailable):
    """An answer other than yes, by S3's name for it."""

    def __init__(self, place: str, code: str) -> None:
        super().__init__(f"{place}: {code}")
        self.code = code


class _Whole:
    """A stream that fails where it ends too early; the SDK reads no further than it was told."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        if not block:
            raise ValueError(f"the stream ended {size} bytes too early")
        return block


def _credential(name: str, value: str, file: str) -> str:
    if not (value or file):
        raise ValueError(f"{name} or {name}_file must be given")
    return value or Path(file).read_text().strip()


def _described(key: str, found: Object) -> StoredObject:
    return StoredObject(key, found.size or 0, found.content_type or "", found.last_modified or datetime.now(UTC))


def _pool(timeout: float, *, create_only: bool) -> PoolManager:
    """The HTTP side of a client: what it waits for, what it tries again, and a condition that the SDK can't set."""
    import urllib3
    from urllib3.exceptions import TimeoutError as Waited

    class Quick(urllib3.Retry):
        """Tries again what failed at once; what was waited for has used up the patience."""

        def increment(self, *args: Any, **context: Any) -> Self:
            error: Exception | None = context.get("error")
            if error and any(isinstance(cause, Waited | TimeoutError) for cause in (error, *error.args)):
                raise error
            return super().increment(*args, **context)

    class CreateOnly(urllib3.PoolManager):
        """Refuses to replace: whole PUTs, and the POST that makes one object of its parts."""

        def urlopen(self, method: str, url: str, *args: Any, **options: Any) -> BaseHTTPResponse:
            query = urlsplit(url).query
            if (method == "PUT" and not query) or (method == "POST" and query.startswith("uploadId=")):
                options["headers"]["If-None-Match"] = "*"
            return super().urlopen(method, url, *args, **options)

    if create_only:
        retries = Quick(total=2, connect=2, read=0, status=0, other=0, redirect=False)
        return CreateOnly(timeout=timeout, retries=retries, maxsize=_CONNECTIONS)
    retries = Quick(
        total=2,
        redirect=False,
        status_forcelist=(500, 502, 503, 504),
        backoff_factor=0.1,
        respect_retry_after_header=False,
    )
    return urllib3.PoolManager(timeout=timeout, retries=retries, maxsize=_CONNECTIONS)
