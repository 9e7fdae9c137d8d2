"""Objects in a bucket of any server that speaks S3: MinIO, versitygw, Ceph, AWS …"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast
from urllib.parse import SplitResult, urlencode, urlsplit
from xml.etree.ElementTree import ParseError

from mezzotint.plugin_api import ObjectNotFound, Storage, StoredObject, StoreUnavailable, check_key

if TYPE_CHECKING:
    from minio import Minio
    from minio.datatypes import ListMultipartUploadsResult, Object
    from urllib3 import BaseHTTPResponse, PoolManager

_CONNECTIONS = 32  # kept open for reuse; more are made when needed
_PART = 8 << 20  # bytes; what is larger goes up in parts of this size, one in memory at a time
_TRIES_A_REQUEST = 0.1  # that may be made again, beyond what is saved up
_TRIES_SAVED = 10.0
_SIGNED_SECONDS = 60  # that a request of our own stays valid
_FETCH_SECONDS = 300  # that one stays valid which nginx sends; clocks may differ by most of it


class MinIO(Storage):
    """Keys below `prefix` in `bucket` of the server at `endpoint` (host:port).

    Credentials are given as they are or as files that hold them. `timeout` in seconds bounds each wait for the server:
    to connect, to send one part, for the next bytes. What timed out is not tried again; a refused connection or a 5xx
    is, twice, within half a second, as long as all that is tried again stays a tenth of what is asked. `encrypt` asks
    the server to encrypt at rest (SSE-S3). `create_bucket` lets `check` make a missing bucket. `public_url`
    (https://host:port) is where clients find the server, when that is elsewhere: signed URLs begin with it.

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
        public_url: str = "",
        create_bucket: bool = False,
        encrypt: bool = False,
        timeout: float = 5.0,
    ) -> None:
        from minio import Minio
        from minio.credentials.credentials import Credentials
        from minio.sse import SseS3

        access_key = _credential("access_key", access_key, access_key_file)
        secret_key = _credential("secret_key", secret_key, secret_key_file)

        def client(place: SplitResult, http: PoolManager) -> Minio:
            safe = place.scheme == "https"
            return Minio(place.netloc, access_key, secret_key, secure=safe, region=region, http_client=http)

        private = urlsplit(f"{'https' if secure else 'http'}://{endpoint}")
        budget = _Budget()
        self._http = _pool(timeout, budget, create_only=False)
        self._client = client(private, self._http)
        self._creator = client(private, _pool(timeout, budget, create_only=True))
        self._signer = client(urlsplit(public_url), self._http) if public_url else self._client
        self._region = region
        self._credentials = Credentials(access_key, secret_key)
        self._bucket = bucket
        self._prefix = check_key(prefix.rstrip("/")) + "/" if prefix else ""
        self._create_bucket = create_bucket
        self._encryption = SseS3() if encrypt else None
        self._place = f"bucket {bucket} at {endpoint}"
        there = urlsplit(self._client.get_presigned_url("GET", bucket, "x"))
        self._base_url = f"{there.scheme}://{there.netloc}"  # as the SDK spells it: on AWS it has the bucket in it

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
        return self._signer.presigned_get_object(self._bucket, self._name(key), timedelta(seconds=seconds))

    def presigned_put(self, key: str, *, seconds: int, content_type: str) -> str:
        return self._signer.presigned_put_object(self._bucket, self._name(key), timedelta(seconds=seconds))

    @property
    def base_url(self) -> str:
        return self._base_url

    def fetch_path(self, key: str) -> str:
        signed = urlsplit(
            self._client.presigned_get_object(self._bucket, self._name(key), timedelta(seconds=_FETCH_SECONDS))
        )
        return f"{signed.path}?{signed.query}"

    def sweep(self, before: datetime) -> int:
        """Abort multipart uploads that a killed process began and nobody will end."""
        swept, marker = 0, ""
        while True:
            page = self._unfinished(marker)
            for upload in page.uploads:
                name, begun = str(upload.object_name), upload.initiated_time
                if name.startswith(self._prefix) and begun is not None and begun < before:
                    self._abort(name, str(upload.upload_id))
                    swept += 1
            marker = page.next_key_marker or ""
            if not (page.is_truncated and marker):
                return swept

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

    def _unfinished(self, marker: str) -> ListMultipartUploadsResult:
        """A page of the bucket's multipart uploads, by name behind `marker`; the SDK's own call is private."""
        from minio.datatypes import ListMultipartUploadsResult
        from minio.signer import presign_v4

        there = urlsplit(self._client.get_presigned_url("GET", self._bucket, "x"))
        # Without a prefix, which MinIO takes for a whole name.
        query = urlencode({"uploads": "", "key-marker": marker})
        bucket = there._replace(path=there.path.removesuffix("x"), query=query)
        signed = presign_v4(
            method="GET",
            url=bucket,
            region=self._region,
            credentials=self._credentials,
            date=datetime.now(UTC),
            expires=_SIGNED_SECONDS,
        )
        with self._errors():
            answer = self._http.request("GET", signed.geturl())
            if answer.status != 200:
                raise _RefusedError(self._place, f"HTTP {answer.status} to a listing of uploads")
            return ListMultipartUploadsResult(answer)

    def _abort(self, name: str, upload_id: str) -> None:
        url = self._client.get_presigned_url(
            "DELETE", self._bucket, name, timedelta(seconds=_SIGNED_SECONDS), extra_query_params={"uploadId": upload_id}
        )
        with self._errors():
            answer = self._http.request("DELETE", url)
            if answer.status not in {204, 404}:  # 404: somebody else ended it
                raise _RefusedError(self._place, f"HTTP {answer.status} to the end of an upload")

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


class _Budget:
    """What all calls of a store may spend on trying again: a server in trouble isn't asked three times as much."""

    def __init__(self) -> None:
        self._tries = _TRIES_SAVED
        self._lock = Lock()

    def earn(self) -> None:
        """For each request."""
        with self._lock:
            self._tries = min(_TRIES_SAVED, self._tries + _TRIES_A_REQUEST)

    def spend(self) -> bool:
        """Whether one more try may be made."""
        with self._lock:
            affordable = self._tries >= 1
            self._tries -= affordable
            return affordable


def _pool(timeout: float, budget: _Budget, *, create_only: bool) -> PoolManager:
    """The HTTP side of a client: what it waits for, what it tries again, and a condition that the SDK can't set."""
    import urllib3
    from urllib3.exceptions import TimeoutError as Waited

    class Quick(urllib3.Retry):
        """Tries again what failed at once; what was waited for has used up the patience."""

        def increment(self, *args: Any, **context: Any) -> Self:
            error: Exception | None = context.get("error")
            if error and any(isinstance(cause, Waited | TimeoutError) for cause in (error, *error.args)):
                raise error
            again = super().increment(*args, **context)
            return again if budget.spend() else self.new(total=0).increment(*args, **context)

    class Frugal(urllib3.PoolManager):
        """Each request adds to the budget."""

        def urlopen(self, *args: Any, **options: Any) -> BaseHTTPResponse:
            budget.earn()
            return super().urlopen(*args, **options)

    class CreateOnly(Frugal):
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
    return Frugal(timeout=timeout, retries=retries, maxsize=_CONNECTIONS)
