"""Delivery over HTTP: what was asked, read from the raw request or the edge's headers, and the picture's headers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, cast
from urllib.parse import quote, unquote

from flask import Flask, Response, current_app, g, request

from mezzotint.grammar.accept import AcceptClass, accept_class
from mezzotint.model.errors import MethodNotAllowed
from mezzotint.model.identifiers import to_ulid
from mezzotint.services.deliver import Answer, Asked, Lifetime
from mezzotint.services.verify import Arguments, read_arguments
from mezzotint.web.request_log import note

EDGE_SECONDS = 30 * 86_400
"""How long an edge keeps a picture fixed by its URL; it can be made again."""

CHUNK = 64 * 1024
_DELIVERY = re.compile(r"/+v1/+(?:pub|priv)/")
_PLAIN = re.compile(r"[A-Za-z0-9._ -]+", re.ASCII)


def install(app: Flask) -> None:
    """Answer delivery paths of `app` before routing: routing reads decoded paths, and these are read raw."""
    app.before_request(_deliver)


def _deliver() -> Response | None:
    if not _DELIVERY.match(request.path):
        return None
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(f"{request.method} is not for pictures")
    house = current_app.extensions["mezzotint"]
    asked = read_asked()
    answer: Answer = house.deliver.answer(asked)
    house.usage.count(answer)
    note(tenant=str(answer.place.tenant_id), variant=to_ulid(answer.variant_id) if answer.variant_id else "")
    return _respond(answer, asked)


def read_asked() -> Asked:
    """The request as its client sent it: from the edge's headers, or from the request itself when there is no edge."""
    headers = request.headers
    path = headers.get("X-Mezzotint-Path")
    if path is not None:
        return Asked(
            path=path,
            host=headers.get("X-Mezzotint-Host", ""),
            arguments=Arguments(
                sig=headers.get("X-Mezzotint-Sig"),
                exp=headers.get("X-Mezzotint-Exp"),
                kid=headers.get("X-Mezzotint-Kid"),
            ),
            accept=_known_class(headers.get("X-Mezzotint-Accept")),
        )
    raw = str(request.environ.get("RAW_URI") or request.full_path)
    path, _, query = raw.partition("?")
    return Asked(
        path=path,
        host=request.host.partition(":")[0].lower(),
        arguments=read_arguments(query),
        accept=accept_class(headers.get("Accept")),
    )


def _known_class(given: str | None) -> AcceptClass:
    return cast(AcceptClass, given) if given in ("avif", "webp") else "base"


def _respond(answer: Answer, asked: Asked) -> Response:
    body: bytes | Iterator[bytes] = b""
    if answer.data is not None:
        body = answer.data
    elif answer.open is not None and request.method == "GET":
        body = _chunks(answer.open())
    response = Response(body, content_type=answer.media_type)
    response.content_length = answer.size
    response.set_etag(answer.content_hash)
    response.last_modified = answer.modified
    headers = response.headers
    headers["Cache-Control"] = cache_control(answer)
    headers["Content-Disposition"] = disposition(answer.file_name, asked.arguments.download, shown=_shown(answer))
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    headers["Server-Timing"] = f"origin;dur={(time.perf_counter() - g.started) * 1000:.1f}"
    headers["X-Accel-Expires"] = str(answer.seconds if answer.lifetime is Lifetime.PRESET else EDGE_SECONDS)
    if answer.lifetime is not Lifetime.PRIVATE:
        headers["Access-Control-Allow-Origin"] = headers["Timing-Allow-Origin"] = "*"
    if answer.vary_accept:
        headers["Vary"] = "Accept"
    headers["X-Mezzotint-Grammar"] = current_app.extensions["mezzotint"].grammar.digest
    if answer.variant_id is not None:
        headers["X-Mezzotint-Variant"] = to_ulid(answer.variant_id)
    return cast(Response, response.make_conditional(request, accept_ranges=True, complete_length=answer.size))


def cache_control(answer: Answer) -> str:
    """How long the picture may be kept, in the words of the contract's section 6."""
    match answer.lifetime:
        case Lifetime.FIXED:
            return f"public, max-age={answer.seconds}, immutable"
        case Lifetime.PRESET:
            return f"public, max-age={answer.seconds}, stale-while-revalidate=86400"
        case Lifetime.PRIVATE:
            return f"private, max-age={answer.seconds}"


def _shown(answer: Answer) -> bool:
    """Whether a browser may show it in place: what we write ourselves. An original may be a document with scripts."""
    encoders = current_app.extensions["mezzotint"].registry.encoders.values()
    return answer.media_type in {"application/json", *(encoder.media_type for encoder in encoders)}


def disposition(file_name: str, download: str | None, *, shown: bool = True) -> str:
    """Content-Disposition: in place under `file_name` if it may be `shown` so, or saved.

    `download` (undecoded) is the name to save it under, None without that wish.
    """
    if download is None:
        return f'{"inline" if shown else "attachment"}; filename="{file_name}"'
    name = re.sub(r'[\x00-\x1f\x7f"\\/]', "_", unquote(download))[:200] or file_name
    if _PLAIN.fullmatch(name):
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{file_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def _chunks(opening: AbstractContextManager[BinaryIO]) -> Iterator[bytes]:
    with opening as stream:
        while chunk := stream.read(CHUNK):
            yield chunk
