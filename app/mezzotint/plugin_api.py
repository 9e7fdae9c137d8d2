"""All that a plug-in may import of ours: operations, storages, decoders, encoders, and what they speak of."""

from __future__ import annotations

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
    "PLUGIN_PLACE",
    "Decoder",
    "Drop",
    "Encoder",
    "Frame",
    "Image",
    "ObjectNotFound",
    "Operation",
    "OutputTooLarge",
    "PictureRefused",
    "Role",
    "Stage",
    "Storage",
    "StoreUnavailable",
    "StoredObject",
    "UnsupportedType",
    "Value",
    "choice",
    "colour",
    "decimal",
    "flag",
    "integer",
    "name",
]

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
class Frame:
    """What an operation may know besides the pixels: sizes in pixels of the oriented original and of this output."""

    source_width: int
    source_height: int
    width: int
    height: int
    background: tuple[int, int, int, int] | None = None
    """red, green, blue, alpha (0 to 255) as `b` asked; None when it did not"""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Operation:
    """One typed step of a plan. A subclass declares its tokens as fields and what it does in `apply`.

    It becomes a frozen dataclass by being defined; fields come from `integer`, `decimal`, `choice`, `colour`, `name`, `flag`.
    """

    stage: ClassVar[Stage]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dataclass(frozen=True, kw_only=True)(cls)

    def apply(self, image: Image, frame: Frame) -> Image:
        """The picture after this step, one still frame at a time; the same picture when there is nothing to do."""
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


class Storage(ABC):
    """Named bytes under keys that are never reused.

    A key is 1 to 512 of `A-Za-z0-9/_.-` without empty, `.` or `..` segments and without a leading slash; any other
    raises ValueError. Every method may raise StoreUnavailable.
    """

    kind: ClassVar[str]
    """The name by which settings choose this storage."""

    @abstractmethod
    def put(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> StoredObject:
        """Store `size` bytes of `stream`: all of them or nothing; an object already there is replaced."""

    @abstractmethod
    def put_if_absent(self, key: str, stream: BinaryIO, *, size: int, content_type: str) -> bool:
        """As `put`, but False and untouched when an object is there already."""

    @abstractmethod
    def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectNotFound."""

    @abstractmethod
    def get_range(self, key: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`; shorter at the object's end. Raises ObjectNotFound."""

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
        """Objects whose key begins with `prefix` and sorts behind `after`, by key."""

    def presigned_get(self, key: str, *, seconds: int) -> str | None:
        """A URL that reads the object without us for `seconds`; None when this storage has none."""
        return None

    def presigned_put(self, key: str, *, seconds: int, content_type: str) -> str | None:
        """A URL that writes the object without us for `seconds`; None when this storage has none."""
        return None

    def local_path(self, key: str) -> Path | None:
        """The object as a seekable file of this machine; None when it isn't one. Raises ObjectNotFound."""
        return None

    @abstractmethod
    def check(self) -> None:
        """Raises StoreUnavailable when the store can't serve now; cheap, for health checks."""


class Decoder(ABC):
    """Reads one or more picture formats."""

    name: ClassVar[str]
    formats: ClassVar[tuple[str, ...]]
    """Formats by their libvips-like names: jpeg, png, webp, gif, avif …"""

    @abstractmethod
    def sniff(self, head: bytes) -> str | None:
        """The format that these first bytes (at most 64) are of; None when it is none of ours."""

    @abstractmethod
    def open(self, path: Path, *, shrink: int = 1, pages: int = 1) -> Image:
        """The picture, its header read and nothing decoded, shrunk on load by `shrink` where the format can.

        `pages` is how many frames to read, -1 for all. Raises PictureRefused.
        """


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

    @abstractmethod
    def encode(self, image: Image, *, quality: int | str | None) -> bytes:
        """The bytes of `image` (8-bit sRGB or gray, metadata left out); `quality` 1 to 100, `auto` or None."""
