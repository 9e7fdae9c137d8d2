"""Direct uploads: announced here, sent to the store, completed here."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response, jsonify
from pydantic import Field

from mezzotint.model.asset import Access
from mezzotint.services import describe
from mezzotint.services.reach import identifier
from mezzotint.web.auth import authorize
from mezzotint.web.fields import body
from mezzotint.web.house import house
from mezzotint.web.where import Where

blueprint = Blueprint("uploads", __name__, url_prefix="/v1/uploads")


class Announcement(Where):
    """What will be sent. `size` in bytes; `sha256` is checked when it is given."""

    space: str
    name: str
    size: Annotated[int, Field(gt=0, le=2**62)]
    media_type: Annotated[str, Field(pattern=r"^[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}$")] = "application/octet-stream"
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    access: Access | None = None
    tags: tuple[str, ...] = ()
    folder: str = ""


@blueprint.post("")
def announce() -> tuple[Response, int]:
    caller, asked = authorize("assets:write"), body(Announcement)
    announced = house().direct_uploads.announce(
        caller,
        asked.name,
        organization=asked.organization,
        tenant=asked.tenant,
        space=asked.space,
        size=asked.size,
        media_type=asked.media_type,
        content_hash=asked.sha256,
        access=asked.access,
        tags=asked.tags,
        folder=asked.folder,
    )
    return jsonify(describe.announced(announced)), 201


@blueprint.post("/<upload>/complete")
def complete(upload: str) -> tuple[Response, int]:
    caller = authorize("assets:write")
    taken = house().direct_uploads.complete(caller, identifier(upload))
    (links,) = house().links.of(caller, taken.located.place, [taken.located.asset])
    return jsonify(describe.asset(taken.located.asset, taken.located.place, links)), 201 if taken.created else 200
