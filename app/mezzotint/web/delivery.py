"""Delivery over HTTP: what was asked, read from the raw request or the edge's headers, and the picture's headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import quote, unquote

import structlog
from flask import Response
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import http_date
from werkzeug.wrappers import Request

from mezzotint.grammar.accept import AcceptClass, accept_class
from mezzotint.model.errors import MethodNotAllowed
from mezzotint.model.identifiers import to_ulid
from mezzotint.services.deliver import Answer, Asked, Fetch, Lifetime, Opened
from mezzotint.services.verify import Arguments, read_arguments
from mezzotint.web import errors, headers
from mezzotint.web.request_log import Line

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from mezzotint.wiring import House

EDGE_SECONDS = 30 * 86_400
"""How long an edge keeps a picture fixed by its URL; it can be made again."""

MADE = "X-Mezzotint-Made"
"""The header by which edges hear that a picture took a place among those that are made."""
CHUNK = 64 * 1024
_DELIVERY = re.compile(r"/+v1/+(?:pub|priv)/")
_PLAIN = re.compile(r"[A-Za-z0-9._ -]+", re.ASCII)

log = structlog.get_logger(__name__)


def in_front(pictures: WSGIApplication, rest: WSGIApplication) -> WSGIApplication:
    """What answers delivery paths by `pictures`, and all others by the `rest`, whose routing reads decoded paths: these
    are read raw.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked = pictures if _DELIVERY.match(environ.get("PATH_INFO", "")) else rest
        return asked(environ, start_response)

    return answer


class Delivery:
    """Answers whatever comes as a request for a picture."""

    def __init__(self, house: House) -> None:
        self._house = house
        written = (encoder.media_type for encoder in house.registry.encoders.values())
        self._shown = frozenset({"application/json", *written})

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        line = Line(request)
        try:
            response = self._answer(request, line)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            response = errors.respond(error, line)
        return line.end(headers.complete(response))(environ, start_response)

    def _answer(self, request: Request, line: Line) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{request.method} is not for pictures")
        asked = read_asked(request)
        answer = self._house.deliver.answer(asked)
        if store := request.headers.get("X-Mezzotint-Unfetched"):
            log.warning("not_fetched", store=store)  # the edge was sent there by the answer before, which was counted
        else:
            self._house.usage.count(answer)
        line.facts |= {
            "organization": answer.address.organization,
            "tenant": answer.address.tenant,
            "variant": to_ulid(answer.variant_id) if answer.variant_id else "",
            "fetched": isinstance(answer.body, Fetch),
        }
        return _respond(request, answer, self._said_of(answer, asked.arguments.download, line))

    def _said_of(self, answer: Answer, download: str | None, line: Line) -> list[tuple[str, str]]:
        """A picture's headers, all at once: werkzeug looks through those it has for each that is set."""
        # An original may be a document with scripts: what a browser may show in place is what we write ourselves.
        shown = answer.media_type in self._shown
        said = [
            ("Content-Type", answer.media_type),
            ("ETag", f'"{answer.content_hash}"'),
            ("Last-Modified", http_date(answer.modified)),
            ("Cache-Control", cache_control(answer)),
            ("Content-Disposition", disposition(answer.file_name, download, shown=shown)),
            ("Cross-Origin-Resource-Policy", "cross-origin"),
            ("Server-Timing", f"origin;dur={line.ms:.1f}"),
            ("X-Accel-Expires", str(answer.seconds if answer.lifetime is Lifetime.PRESET else EDGE_SECONDS)),
            ("X-Mezzotint-Grammar", self._house.grammar.digest),
        ]
        if answer.lifetime is not Lifetime.PRIVATE:
            said += [("Access-Control-Allow-Origin", "*"), ("Timing-Allow-Origin", "*")]
        if answer.vary_accept:
            said.append(("Vary", "Accept"))
        if answer.variant_id is not None:
            said.append(("X-Mezzotint-Variant", to_ulid(answer.variant_id)))
        if answer.made:
            said.append((MADE, "1"))
        return said


def read_asked(request: Request) -> Asked:
    """The request as its client sent it: from the edge's headers, or from the request itself when there is no edge."""
    sent = request.headers
    path = sent.get("X-Mezzotint-Path")
    if path is not None:
        return Asked(
            path=path,
            host=sent.get("X-Mezzotint-Host", ""),
            arguments=Arguments(
                sig=sent.get("X-Mezzotint-Sig"),
                exp=sent.get("X-Mezzotint-Exp"),
                kid=sent.get("X-Mezzotint-Kid"),
            ),
            accept=_known_class(sent.get("X-Mezzotint-Accept")),
            stores=frozenset(sent.get("X-Mezzotint-Stores", "").split()),
        )
    raw = str(request.environ.get("RAW_URI") or request.full_path)
    path, _, query = raw.partition("?")
    return Asked(
        path=path,
        host=request.host.partition(":")[0].lower(),
        arguments=read_arguments(query),
        accept=accept_class(sent.get("Accept")),
    )


def _known_class(given: str | None) -> AcceptClass:
    return cast(AcceptClass, given) if given in ("avif", "webp") else "base"


def _respond(request: Request, answer: Answer, said: list[tuple[str, str]]) -> Response:
    match answer.body:
        case bytes():
            response = Response(answer.body, headers=said)
        case Opened(stream, close):
            response = Response(_chunks(stream, answer.size), headers=[*said, ("Content-Length", str(answer.size))])
            response.call_on_close(close)  # also where nothing of it is sent
        case Fetch(store, path):
            return _leave_the_bytes(request, Response(headers=said), f"/_stored/{store}{path}", answer.size)
    try:
        return cast(Response, response.make_conditional(request, accept_ranges=True, complete_length=answer.size))
    except RequestedRangeNotSatisfiable:
        response.close()
        raise


def _leave_the_bytes(request: Request, response: Response, where: str, size: int) -> Response:
    """The answer without its bytes, which an edge puts in; for one that has them already, a 304."""
    if request.if_none_match or request.if_modified_since:
        response.make_conditional(request)
    if response.status_code == 200:
        response.headers.extend({"X-Accel-Redirect": where, "X-Mezzotint-Size": str(size)})
    return response


def cache_control(answer: Answer) -> str:
    """How long the picture may be kept, in the words of the contract's section 6."""
    match answer.lifetime:
        case Lifetime.FIXED:
            return f"public, max-age={answer.seconds}, immutable"
        case Lifetime.PRESET:
            return f"public, max-age={answer.seconds}, stale-while-revalidate=86400"
        case Lifetime.PRIVATE:
            return f"private, max-age={answer.seconds}"


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


def _chunks(stream: BinaryIO, left: int) -> Iterator[bytes]:
    while left and (chunk := stream.read(min(CHUNK, left))):
        left -= len(chunk)
        yield chunk
