"""A MinIO of this installation's own, on a port of the loopback address alone."""

import base64
import shutil
import urllib.request
from contextlib import suppress
from pathlib import Path

from mezzotint import registry, wiring
from mezzotint.settings import Settings, Store
from mezzotint.standalone.golang import installed
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.part import Part
from mezzotint.standalone.secrets_folder import secret

PACKAGE = "github.com/minio/minio"
VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
USER, PASSWORD, ENCRYPTION = "minio_access_key", "minio_secret_key", "minio_encryption_key"
BUCKET = "mezzotint"


def store(layout: Layout, name: str, port: int) -> dict[str, object]:
    """The settings of a store that it keeps."""
    for key in (USER, PASSWORD):
        secret(layout.secrets, key)
    return {
        "kind": "minio",
        "endpoint": f"127.0.0.1:{port}",
        "secure": False,
        "bucket": BUCKET,
        "prefix": name,
        "create_bucket": True,
        "encrypt": True,
        "access_key_file": str(layout.secrets / USER),
        "secret_key_file": str(layout.secrets / PASSWORD),
    }


def keeps(layout: Layout, store: Store) -> bool:
    """Whether a store is one of its own, which its key tells."""
    return store.options.get("access_key_file") == str(layout.secrets / USER)


def part(layout: Layout, settings: Settings) -> Part | None:
    """None where nothing is kept by it. Raises PartFailed when it can't be built."""
    ours = {name: store for name, store in settings.stores.items() if keeps(layout, store)}
    if not ours:
        return None
    endpoint = next(iter(ours.values())).options["endpoint"]

    def settle() -> None:
        for storage in wiring.storages(ours, registry.load(settings.plugins.enabled)).values():
            storage.check()  # makes the bucket

    return Part(
        name="minio",
        command=command(layout.root / "minio", endpoint),
        ready=lambda: _lives(endpoint),
        where=endpoint,
        settle=settle,
        environment=environment(
            secret(layout.secrets, USER), secret(layout.secrets, PASSWORD), secret(layout.secrets, ENCRYPTION)
        ),
    )


def command(folder: Path, endpoint: str) -> tuple[str, ...]:
    """How to start it in the foreground with its data in `folder`: the `minio` on PATH, or one that is built once."""
    program = shutil.which("minio") or str(installed(PACKAGE, VERSION))
    return (program, "server", str(folder / "data"), "--certs-dir", str(folder / "certificates"), "--address", endpoint)


def environment(user: str, password: str, encryption: str) -> dict[str, str]:
    """`encryption`: 64 hex digits, the key under which objects lie on disk."""
    return {
        "MINIO_ROOT_USER": user,
        "MINIO_ROOT_PASSWORD": password,
        "MINIO_KMS_SECRET_KEY": f"mezzotint:{base64.b64encode(bytes.fromhex(encryption)).decode()}",
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
    }


def _lives(endpoint: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://{endpoint}/minio/health/live", timeout=1):
        return True
    return False
