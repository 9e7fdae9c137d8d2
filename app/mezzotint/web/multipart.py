"""A multipart body, read as it arrives: the file goes to the spool, the fields stay; nothing is held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from mezzotint.model.errors import BadRequest, InvalidField
from mezzotint.services.spool import Incoming

CHUNK = 64 * 1024
MAX_BUFFER = 4 * CHUNK
MAX_FIELDS_BYTES = 64 * 1024
MAX_PARTS = 64

Texts = dict[str, list[str]]
"""The values of each field, in the order they came."""


def receive(body: IO[bytes], content_type: str, incoming: Incoming, limit: Callable[[Texts], int]) -> tuple[str, Texts]:
    """Write the part named `file` to `incoming`; return its file name and the other fields.

    `limit` is asked once, when the file begins, with the fields that came before it, how many bytes it may have.
    Raises BadRequest for a body that is no such form, InvalidField for a missing or doubled file, UploadTooLarge.
    """
    values: dict[str, list[bytes]] = {}
    room = MAX_FIELDS_BYTES
    file: File | None = None
    maximum = 0
    part: Field | File | None = None
    for event in _events(body, content_type):
        if isinstance(event, File):
            if event.name != "file" or file is not None:
                raise InvalidField("one file is expected, in the field `file`", field=event.name or "file")
            part = file = event
            maximum = limit(_decoded(values))
        elif isinstance(event, Field):
            if not event.name or event.name == "file":
                raise InvalidField("a file needs a file name, any other part a name", field=event.name)
            part = event
            values.setdefault(event.name, []).append(b"")
        elif isinstance(event, Data) and isinstance(part, File):
            incoming.write(event.data, limit=maximum)
        elif isinstance(event, Data) and part is not None:
            room -= len(event.data)
            if room < 0:
                raise BadRequest(f"the fields of a form have at most {MAX_FIELDS_BYTES} bytes together")
            values[part.name][-1] += event.data
    if file is None:
        raise InvalidField("a file is needed", field="file")
    return file.filename, _decoded(values)


def _decoded(values: dict[str, list[bytes]]) -> Texts:
    fields: Texts = {}
    for name, texts in values.items():
        try:
            fields[name] = [text.decode() for text in texts]
        except UnicodeDecodeError:
            raise InvalidField("not UTF-8", field=name) from None
        if any("\0" in text for text in fields[name]):
            raise InvalidField("has a NUL character", field=name)
    return fields


def _events(body: IO[bytes], content_type: str) -> Iterator[Event]:
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary:
        raise BadRequest("the body must be multipart/form-data")
    decoder = MultipartDecoder(boundary.encode(), MAX_BUFFER, max_parts=MAX_PARTS)
    try:
        while True:
            event = decoder.next_event()
            if isinstance(event, NeedData):
                decoder.receive_data(body.read(CHUNK) or None)
                continue
            yield event
            if isinstance(event, Epilogue):
                return
    except RequestEntityTooLarge:
        raise BadRequest(f"a form has at most {MAX_PARTS} parts, with short headers") from None
    except ValueError:
        raise BadRequest("the multipart body is broken off or malformed") from None
