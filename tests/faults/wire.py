"""A wire between those who connect to it and a server, which a test can make slow, mute or break.

A manner says how bytes get on that arrive at one end: all at once, later, in drops, never; or the connection breaks.
"""

import asyncio
import os
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Manner = Callable[[bytes], AsyncIterator[bytes]]

_RESET = struct.pack("ii", 1, 0)  # closing sends RST


class Broken(Exception):
    """The connection breaks here."""


class Ended(Exception):
    """One side has ended it."""


async def at_once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def never(_: bytes) -> AsyncIterator[bytes]:
    for nothing in ():
        yield nothing


async def breaking(_: bytes) -> AsyncIterator[bytes]:
    raise Broken
    yield b""


def later(seconds: float) -> Manner:
    async def manner(data: bytes) -> AsyncIterator[bytes]:
        await asyncio.sleep(seconds)
        yield data

    return manner


def in_drops(size: int, seconds: float) -> Manner:
    """So many bytes at a time, and a pause behind each."""

    async def manner(data: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(data), size):
            yield data[start : start + size]
            await asyncio.sleep(seconds)

    return manner


class Wire:
    """Carries what comes in at `listener` to the server at `address` (a port of this machine, or a socket's path).

    `asking` and `answering` are the manners of the two directions, and may change at any time.
    """

    def __init__(self, listener: socket.socket, address: int | Path) -> None:
        self.asking: Manner = at_once
        self.answering: Manner = at_once
        self._listener = listener
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Break every connection there is."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    @contextmanager
    def bad(self, *, asking: Manner = at_once, answering: Manner = at_once) -> Iterator[None]:
        """Like this for a while; whatever was under way when it ends breaks."""
        self.asking, self.answering = asking, answering
        try:
            yield
        finally:
            self.asking = self.answering = at_once
            self.cut()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.run_forever()

    async def _serve(self) -> None:
        start = asyncio.start_server if self._listener.family == socket.AF_INET else asyncio.start_unix_server
        self._server = await start(self._connect, sock=self._listener)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        end = _break
        try:
            if isinstance(self._address, Path):
                behind, server = await asyncio.open_unix_connection(self._address)
            else:
                behind, server = await asyncio.open_connection("127.0.0.1", self._address)
            ends.append(server)
            self._open.update(ends)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, server, "asking"))
                both.create_task(self._carry(behind, writer, "answering"))
        except* Ended:
            end = asyncio.StreamWriter.close
        except* (Broken, OSError):
            pass
        finally:
            for each in ends:
                end(each)
            self._open.difference_update(ends)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str) -> None:
        while data := await reader.read(65536):
            manner: Manner = getattr(self, direction)
            async for piece in manner(data):
                writer.write(piece)
                await writer.drain()
        raise Ended

    async def _cut(self) -> None:
        for each in self._open:
            _break(each)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._loop.stop()


def _break(end: asyncio.StreamWriter) -> None:
    connection: socket.socket = end.get_extra_info("socket")
    if connection.family == socket.AF_INET:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.transport.abort()


@contextmanager
def in_front_of(port: int) -> Iterator[tuple[Wire, int]]:
    """A wire to the server at this port, and the port where it begins."""
    listener = socket.create_server(("127.0.0.1", 0))
    wire = Wire(listener, port)
    try:
        yield wire, listener.getsockname()[1]
    finally:
        wire.close()


@contextmanager
def in_place_of(path: Path) -> Iterator[Wire]:
    """A wire that begins where the server's socket was; who was connected before goes on without it."""
    beginning, end = path.with_name(f"{path.name}~"), path.with_name(f"{path.name}~behind")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(beginning))
    os.chown(beginning, path.stat().st_uid, path.stat().st_gid)
    listener.listen(128)
    end.hardlink_to(path)
    beginning.rename(path)
    wire = Wire(listener, end)
    try:
        yield wire
    finally:
        end.rename(path)
        wire.close()
