"""Sealing of secrets at rest: AES-256-GCM under a key that only edges and the control plane can read.

A sealed secret is nonce (12 bytes), ciphertext, tag (16 bytes); the kid is authenticated with it, so that one key's
secret can't be passed off as another's.
"""

import hmac
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 12, 16


def load_key(path: Path) -> bytes:
    """The 32 bytes of a key file: 64 hex digits and a newline. Raises ValueError for a file not like it, OSError."""
    with path.open(encoding="ascii", errors="replace") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & ~0o600:
            raise ValueError(f"{path}: mode is {mode:04o}; others must not read it: chmod 600")
        text = file.read(2 * _KEY_BYTES + 2).removesuffix("\n")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES or len(text) != 2 * _KEY_BYTES:
        raise ValueError(f"{path}: expected 64 hex digits and a newline")
    return key


def derived(key: bytes, purpose: str) -> bytes:
    """A key for another purpose, which needs no file of its own and tells nothing of `key`."""
    return hmac.digest(key, purpose.encode("ascii"), "sha256")


def seal(key: bytes, kid: str, secret: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret, kid.encode("ascii"))


def unseal(key: bytes, kid: str, sealed: bytes) -> bytes:
    """The secret. Raises ValueError when it was not sealed by this key for this kid, or was changed since."""
    if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
        raise ValueError(f"the sealed secret of {kid} is cut short")
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], kid.encode("ascii"))
    except InvalidTag:
        raise ValueError(f"the sealed secret of {kid} can't be opened with this key") from None
