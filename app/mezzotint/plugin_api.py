"""All that a plug-in may import of ours: operations, storages, decoders, encoders, and what they speak of."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, dataclass_transform

from mezzotint.grammar.kinds import Value
from mezzotint.grammar.tokens import PLUGIN_PLACE, Drop, Role, choice, colour, decimal, flag, integer, name
from mezzotint.model.errors import OutputTooLarge, PictureRefused, UnsupportedType

__all__ = [
    "HEAD",
    "MAX_SIDE",
    "PLUGIN_PLACE",
    "Decoder",
    "Drop",
    "Encoder",
    "Frame",
    "Image",
    "IsolatedDecoder",
    "ObjectNotFound",
    "Operation",
    "OutputTooLarge",
    "PictureRefused",
    "PluginUnfit",
    "Role",
    "Stage",
    "Storage",
    "StoreUnavailable",
    "StoredObject",
    "Target",
    "UnsupportedType",
    "Value",
    "check_key",
    "check_size",
    "choice",
    "colour",
    "decimal",
    "flag",
    "integer",
    "name",
    "need_version",
]

HEAD = 1024
"""bytes of a file's beginning that tell its format"""
MAX_SIDE = 30_000
"""pixels across or down of a picture that is decoded"""

Image = Any
"""A pyvips.Image; named here so that declaring an operation needs no libvips."""


class Stage(IntEnum):
    """The order in which the pipeline takes operations, whatever their order in the URL."""

    CROP = 10
    ROTATE = 20
    MIRROR = 30
    RESIZE = 40
    COLOUR = 50
    BLUR = 60
    SHARPEN = 70
    GRAYSCALE = 80
    OVERLAY = 90
    OUTPUT = 100


@dataclass(frozen=True, slots=True)
class Target:
    """What the operations of a plan ask of the output together, before a pixel is read.

    The picture they speak of is upright: as it was taken, whatever its file says of orientation.
    """

    source_width: int
    source_height: int
    region: tuple[int, int, int, int] | None = None
    """left, top, width, height of the part to use, inside the source; None: all of it"""
    degrees: int = 0
    """of rotation, clockwise; then come the mirrors"""
    flip: bool = False
    flop: bool = False
    width: int | None = None
    height: int | None = None
    fit: str | None = None
    gravity: str | None = None
    enlarge: bool = False
    background: str | None = None
    """6 or 8 hex digits; None: transparent, white where the output format has no transparency"""
    quality: int | str | None = None
    """1 to 100, `auto`, or None for the format's own way"""


@dataclass(frozen=True, slots=True)
class Frame:
    """What an operation may know besides the pixels: sizes of the upright original and of this output, in pixels."""

    source_width: int
    source_height: int
    width: int
    height: int


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Operation:
    """One typed step of a plan. A subclass declares its tokens as fields, and what it does in `shape` or `apply`.

    Defining it makes it a frozen dataclass; fields come from `integer`, `decimal`, `choice`, `colour`, `name`, `flag`.
    """

    stage: ClassVar[Stage]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dataclass(frozen=True, kw_only=True)(cls)

    def shape(self, target: Target) -> Target:
        """`target` with what this step asks of the output's size, place or encoding."""
        return target

    def apply(self, image: Image, frame: Frame) -> Image:
        """The picture after this step, one still frame at a time; the same picture when there is nothing to do.

        `image` is 8-bit sRGB or gray; when it has alpha, its colours are premultiplied at the stages BLUR and SHARPEN.
        """
        return image


class ObjectNotFound(Exception):
    """The store has no object under this key."""


class StoreUnavailable(Exception):
    """The store can't be reached or can't do its work now; says why, without credentials."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as its store describes it: `size` in bytes, `modified` with its time zone."""

    key: str
    size: int
    content_type: str
    modified: datetime


_KEY = re.compile(r"(?=.{1,512}\Z)(?:(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.-]{1,255}(?:/(?!\Z)|\Z))+")


def check_key(key: str) -> str:
    """`key`, when it may name an object; else ValueError. For storages: what every method does first."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r:.100} can't name an object")
    return key


class Storage(ABC):
    """Named bytes under keys that are never reused.

    A key is 1 to 512 of `A-Za-z0-9/_.-` without empty, `.` or `..` segments, without a leading slash and with at most
    255 in a segment; any other raises ValueError. A key never goes on where another one ends (`a` and `a/b`).
    Every method may raise StoreUnavailable; after one that writes, the outcome is then unknown until looked up.
    Constructing one neither connects nor waits, so that a process can start before its stores.
    """

    kind: ClassVar[str]
    """The name by which settings choose this storage."""
    blocking: ClassVar[bool] = False
    """Whether it waits for disks, which no event loop can do: servers that have one call it from threads."""

    @abstractmethod
    def put(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> StoredObject:
        """Store `size` bytes of `stream`: all of them or nothing; an object already there is replaced.

        Raises ValueError when the stream ends before; what its `read` raises passes through.
        """

    @abstractmethod
    def put_if_absent(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> bool:
        """As `put`, but False and untouched when an object is there already."""

    @abstractmethod
    def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectNotFound."""

    @abstractmethod
    def get_range(self, key: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`; shorter at the object's end, empty behind it. Raises ObjectNotFound."""

    @abstractmethod
    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """The object as a stream. Raises ObjectNotFound, at once or on entering."""

    @abstractmethod
    def stat(self, key: str) -> StoredObject:
        """What is stored under `key`. Raises ObjectNotFound."""

    def exists(self, key: str) -> bool:
        """Whether an object is there."""
        try:
            self.stat(key)
        except ObjectNotFound:
            return False
        return True

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the object; fine when there is none."""

    @abstractmethod
    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        """Objects whose key begins with `prefix` and sorts behind `after`, by key.

        What no key can name is left out. `content_type` may be empty: S3's listings don't tell it.
        """

    def presigned_get(self, key: str, *, seconds: int) -> str | None:
        """A URL that reads the object without us for `seconds`; None when this storage has none."""
        return None

    def presigned_put(self, key: str, *, seconds: int, content_type: str) -> str | None:
        """A URL that writes the object without us for `seconds`; None when this storage has none.

        The writer sends `content_type` himself, and may write again until the URL expires: verify what arrived, and
        keep it under another key.
        """
        return None

    def local_path(self, key: str) -> Path | None:
        """The object as a seekable file of this machine; None when it isn't one. Raises ObjectNotFound."""
        return None

    @property
    def base_url(self) -> str | None:
        """Where nginx can fetch objects by itself: `file:///folder`, `http://host:port` or `https://host`.

        None: all bytes pass through us. Its path, a folder's, is written as it is, without percent signs.
        """
        return None

    def fetch_path(self, key: str) -> str | None:
        """What follows `base_url` to name the object, its query included: it lets a GET in for some minutes.

        Neither connects nor waits, so it does not tell whether the object is there. None when there is no `base_url`.
        """
        return None

    def sweep(self, before: datetime) -> int:
        """Remove what writes that never ended left since before `before`; how many there were. Objects stay."""
        return 0

    @abstractmethod
    def check(self) -> None:
        """Raises StoreUnavailable when the store can't serve now; cheap, for health checks."""


class Decoder(ABC):
    """Reads one picture format."""

    name: ClassVar[str]
    """The format's name: jpeg, png, webp …"""
    media_type: ClassVar[str]
    loaders: ClassVar[tuple[str, ...]]
    """The libvips loader classes that `open` calls; renderers let no others load anything."""
    shrinks: ClassVar[tuple[int, ...]] = (1,)
    """The factors by which `open` can shrink, largest first."""
    animation: ClassVar[bool] = False
    lossy: ClassVar[bool] = False
    """Whether its files are lossy anyway, so that variants may come from a mezzanine."""

    @abstractmethod
    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes (HEAD of them, unless it is shorter) is of this format."""

    def check(self, file: BinaryIO) -> None:
        """Looks at the file's structure before a library does. Raises PictureRefused."""
        return

    @abstractmethod
    def open(self, file: BinaryIO, *, shrink: int = 1, animated: bool = False) -> Image:
        """The picture with its header read and nothing decoded, to be read from top to bottom once.

        `file` is an unbuffered one of the system's, at its beginning: nothing else can be opened in a renderer.

        `shrink` is one of `shrinks`; `animated` asks for all frames, below each other. Raises what libvips raises.
        """


class IsolatedDecoder(ABC):
    """Reads one picture format that is not for the renderers, in a sealed process apart.

    What it reads is kept as a lossless copy, and all variants are made of that.
    """

    name: ClassVar[str]
    """The format's name, and the ext of its originals in URLs: heic, pdf …"""
    media_type: ClassVar[str]
    loaders: ClassVar[tuple[str, ...]] = ()
    """The libvips loader classes that `decode` calls, if any."""
    by_default: ClassVar[bool] = False
    """Whether the format is let in where settings say nothing of formats."""
    lossy: ClassVar[bool] = False
    """As a Decoder's."""

    @abstractmethod
    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes (HEAD of them, unless it is shorter) is of this format."""

    def prepare(self) -> None:
        """Loads whatever `decode` will ever need; then the process is sealed, and nothing can be opened any more.

        Raises PluginUnfit.
        """
        return

    @abstractmethod
    def decode(self, data: bytes, max_pixels: int) -> Image:
        """The picture in a file's bytes, upright. Raises PictureRefused, above `max_pixels` before it is decoded."""


class PluginUnfit(Exception):
    """A plug-in can't work on this machine; says what it lacks."""


def check_size(width: int, height: int, max_pixels: int) -> None:
    """For decoders: raises PictureRefused when a picture of this size is not to be decoded."""
    if min(width, height) < 1:
        raise PictureRefused("the picture is empty")
    if max(width, height) > MAX_SIDE:
        raise PictureRefused(f"{width}x{height} has a side above {MAX_SIDE} pixels")
    if width * height > max_pixels:
        raise PictureRefused(f"{width}x{height} is more than {max_pixels} pixels")


def need_version(library: str, found: tuple[int, ...], lowest: tuple[int, ...]) -> None:
    """For `prepare`: raises PluginUnfit when a native library is older than the `lowest` that a plug-in trusts."""
    if found < lowest:
        there, wanted = (".".join(map(str, version)) for version in (found, lowest))
        raise PluginUnfit(f"{library} {there} was found where {wanted} is the oldest that is trusted: update it")


class Encoder(ABC):
    """Writes one output format."""

    format: ClassVar[str]
    """Its name in `fmt` and as ext."""
    aliases: ClassVar[tuple[str, ...]] = ()
    media_type: ClassVar[str]
    quality: ClassVar[int | None]
    """The default of `q`; None for a lossless format."""
    negotiated: ClassVar[bool] = False
    """Whether `fmt_auto` sends it only to clients that name it in Accept."""
    alpha: ClassVar[bool]
    animation: ClassVar[bool]
    max_side: ClassVar[int] = 16_384
    """The longest side in pixels that the format holds."""

    @abstractmethod
    def encode(self, image: Image, *, quality: int | str | None) -> bytes:
        """The bytes of `image`, its metadata left out; `quality` 1 to 100, `auto` or None.

        `image` is 8-bit sRGB or gray, without alpha unless the format has it; an animated one carries `page-height`,
        `delay` and `loop`.
        """

    def attempts(self, image: Image, *, quality: int | str | None) -> Iterator[bytes]:
        """Slower ways to write the same, the most promising first: background work takes the first good one.

        Good is what has fewer bytes than `encode` gives and is no further from `image`. None is fine.
        """
        return iter(())
