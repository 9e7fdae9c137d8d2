"""Signing: private URLs for those who hold an API key."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mezzotint.model.errors import InvalidField
from mezzotint.services import describe
from mezzotint.services.reach import identifier
from mezzotint.web.auth import authorize
from mezzotint.web.fields import Fields, body
from mezzotint.web.house import house

blueprint = Blueprint("sign", __name__, url_prefix="/v1/sign")


class ToSign(Fields):
    """Either `url`, a delivery URL or its path, or an `asset` with operations and ext; `lifetime` in seconds."""

    url: str | None = None
    asset: str | None = None
    version: int | None = None
    operations: str | None = None
    ext: str | None = None
    lifetime: int | None = None


@blueprint.post("")
def sign() -> Response:
    caller, asked = authorize("sign"), body(ToSign)
    by_parts = (asked.asset, asked.operations, asked.ext)
    if asked.url is not None and all(part is None for part in (*by_parts, asked.version)):
        signed = house().links.sign(caller, asked.url, lifetime=asked.lifetime)
    elif asked.url is None and asked.asset is not None and asked.operations is not None and asked.ext is not None:
        signed = house().links.sign_asset(
            caller,
            identifier(asked.asset),
            asked.operations,
            asked.ext,
            version=asked.version,
            lifetime=asked.lifetime,
        )
    else:
        raise InvalidField("give either url, or asset, operations and ext", field="url")
    return jsonify(describe.signed(signed))
