"""Is it there? Each probe asks once, waits a second at most, and never raises."""

import socket
from pathlib import Path


def answers(path: Path, question: bytes, expected: bytes) -> bool:
    """Whether the server on this unix socket answers the question with bytes that begin as expected."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
            connection.sendall(question)
            return connection.recv(64).startswith(expected)
    except OSError:
        return False


def listens(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
    except OSError:
        return False
    return True
