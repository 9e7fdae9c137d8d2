"""Secrets of this installation: made once, one file each, readable by its owner alone."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, mode 0600: a half-written key would lock us out of our own data."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def secret(folder: Path, name: str) -> str:
    """64 hexadecimal digits, the same on every call; `folder / name` holds them and a newline."""
    path = folder / name
    if not path.exists():
        write_private(path, secrets.token_hex(32) + "\n")
    return path.read_text().strip()
