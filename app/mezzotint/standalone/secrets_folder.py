"""Secrets of this installation: made once, one file each, readable by its owner alone."""

import os
import secrets
from pathlib import Path


def secret(folder: Path, name: str) -> str:
    """64 hexadecimal digits, the same on every call; `folder / name` holds them and a newline."""
    path = folder / name
    if not path.exists():
        fresh = path.with_name(f".{name}.new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)  # whole or not at all: a half-written key would lock us out of our own data
    return path.read_text().strip()
