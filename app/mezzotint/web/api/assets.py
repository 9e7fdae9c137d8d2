"""Assets: uploaded, read, listed, deleted, invalidated."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from mezzotint.model.asset import Access, State
from mezzotint.services import describe
from mezzotint.services.caller import Caller
from mezzotint.services.ingest import Taken
from mezzotint.services.reach import identifier
from mezzotint.web.auth import authorize
from mezzotint.web.fields import Fields, form, query
from mezzotint.web.house import house
from mezzotint.web.multipart import Texts, receive
from mezzotint.web.pages import Page, page
from mezzotint.web.where import Where

blueprint = Blueprint("assets", __name__, url_prefix="/v1/assets")


class Upload(Where):
    """The fields beside the file of a new asset. `tags`: in one field with commas between, or in several."""

    space: str
    access: Access | None = None
    tags: tuple[str, ...] = ()
    folder: str = ""
    name: str | None = None


class VersionUpload(Fields):
    """The fields beside the file of a new version."""

    name: str | None = None


class Search(Page, Where):
    """Which assets to list."""

    space: str
    folder: str | None = None
    tag: str | None = None
    state: State = State.READY


@blueprint.post("")
def upload() -> tuple[Response, int]:
    caller = authorize("assets:write")

    def limit(before: Texts) -> int:
        where = {name: before[name][0] for name in ("organization", "tenant", "space") if name in before}
        return house().ingest.limit(caller, **where)

    with house().spool.receive() as incoming:
        file_name, texts = receive(request.stream, request.headers.get("Content-Type", ""), incoming, limit)
        if "tags" in texts:
            texts["tags"] = [tag for text in texts["tags"] for tag in text.split(",") if tag.strip()]
        asked = form(Upload, texts, lists=frozenset({"tags"}))
        taken = house().ingest.add(
            caller,
            incoming.received,
            asked.name or file_name,
            organization=asked.organization,
            tenant=asked.tenant,
            space=asked.space,
            access=asked.access,
            tags=asked.tags,
            folder=asked.folder,
        )
    return _answer(caller, taken)


@blueprint.post("/<asset>/versions")
def upload_version(asset: str) -> tuple[Response, int]:
    caller, asset_id = authorize("assets:write"), identifier(asset)
    limit = house().ingest.version_limit(caller, asset_id)
    with house().spool.receive() as incoming:
        content_type = request.headers.get("Content-Type", "")
        file_name, texts = receive(request.stream, content_type, incoming, lambda _: limit)
        asked = form(VersionUpload, texts)
        taken = house().ingest.add_version(caller, asset_id, incoming.received, asked.name or file_name)
    return _answer(caller, taken)


@blueprint.get("")
def index() -> Response:
    caller, asked = authorize("assets:read"), query(Search)
    place, found = house().assets.page(
        caller,
        asked.organization,
        asked.tenant,
        asked.space,
        folder=asked.folder,
        tag=asked.tag,
        state=asked.state,
        after=asked.after,
        limit=asked.limit + 1,
    )
    seen = list(zip(found, house().links.of(caller, place, found), strict=True))
    return page(asked, seen, lambda one: one[0].id, lambda one: describe.asset(one[0], place, one[1]))


@blueprint.get("/<asset>")
def read(asset: str) -> Response:
    caller = authorize("assets:read")
    located, versions = house().assets.get(caller, identifier(asset))
    (links,) = house().links.of(caller, located.place, [located.asset])
    return jsonify(describe.asset_in_full(located.asset, located.place, links, versions))


@blueprint.delete("/<asset>")
def delete(asset: str) -> tuple[str, int]:
    house().assets.delete(authorize("assets:write"), identifier(asset))
    return "", 204


@blueprint.post("/<asset>/invalidate")
def invalidate(asset: str) -> Response:
    generation = house().invalidate.asset(authorize("assets:write"), identifier(asset))
    return jsonify(id=asset.upper(), generation=generation)


def _answer(caller: Caller, taken: Taken) -> tuple[Response, int]:
    """201 for what is new, 200 for what was there already."""
    located = taken.located
    (links,) = house().links.of(caller, located.place, [located.asset])
    return jsonify(describe.asset(located.asset, located.place, links)), 201 if taken.created else 200
