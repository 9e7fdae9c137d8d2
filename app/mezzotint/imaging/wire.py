"""How jobs and answers travel over the renderers' socket: two lengths, a JSON header, then bytes."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

LENGTHS = struct.Struct(">II")
MAX_HEADER = 64 * 1024
MAX_FILES = 2
"""that come with a job"""
SEND_SECONDS = 5.0
"""for a caller to take what it asked for; it reads from memory, so one that takes longer has hung"""


class BrokenMessage(Exception):
    """The other side closed too early or does not speak this."""


def pack(header: dict[str, Any], body_size: int = 0) -> bytes:
    """The beginning of a message, up to its body."""
    text = json.dumps(header).encode()
    return LENGTHS.pack(len(text), body_size) + text


def unpack(data: bytes) -> dict[str, Any] | None:
    """The header of a message without body, None while `data` is only its beginning. Raises BrokenMessage."""
    if len(data) < LENGTHS.size:
        return None
    size, body_size = LENGTHS.unpack_from(data)
    if size > MAX_HEADER or body_size or len(data) > LENGTHS.size + size:
        raise BrokenMessage("not a job")
    return _header(data[LENGTHS.size :]) if len(data) == LENGTHS.size + size else None


def send(connection: socket.socket, header: dict[str, Any], files: Sequence[int]) -> None:
    """Send a message without body, and the descriptors `files` with it. Raises OSError, TimeoutError."""
    text = pack(header)
    sent = socket.send_fds(connection, [text], files)
    if sent < len(text):
        connection.sendall(text[sent:])


def receive(connection: socket.socket) -> tuple[dict[str, Any], bytes]:
    """The next whole message. Raises BrokenMessage, OSError, TimeoutError."""
    size, body_size = LENGTHS.unpack(_exactly(connection, LENGTHS.size))
    if size > MAX_HEADER:
        raise BrokenMessage("the header is too long")
    return _header(_exactly(connection, size)), _exactly(connection, body_size)


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except ValueError as problem:
        raise BrokenMessage("the header is not JSON") from problem
    if not isinstance(header, dict):
        raise BrokenMessage("the header is not an object")
    return header


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        read = connection.recv_into(view[filled:])
        if not read:
            raise BrokenMessage("closed too early")
        filled += read
    return bytes(data)
