"""A name server by which every name is this machine's."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_QUERY_HEAD = 12  # bytes
_A = 1


class _Answering(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        query, answers = self.request
        question = query[_QUERY_HEAD : query.index(0, _QUERY_HEAD) + 5]  # the name, its closing zero, type and class
        known = int.from_bytes(question[-4:-2], "big") == _A
        head = query[:2] + bytes([0x81, 0x80, 0, 1, 0, known, 0, 0, 0, 0])
        address = bytes([0xC0, _QUERY_HEAD, 0, _A, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1])
        answers.sendto(head + question + address * known, self.client_address)


@contextmanager
def serving() -> Iterator[str]:
    """Its address, as nginx takes it."""
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Answering) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
