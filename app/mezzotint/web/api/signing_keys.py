"""Signing keys: what private URLs are signed with."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mezzotint.services import describe
from mezzotint.web.auth import authorize
from mezzotint.web.fields import Fields, body, query
from mezzotint.web.house import house
from mezzotint.web.pages import Page, page
from mezzotint.web.where import Where

blueprint = Blueprint("signing_keys", __name__, url_prefix="/v1/signing-keys")


class Search(Page, Where):
    """Whose keys to list: exactly this tenant's, or those for an organization as a whole."""


class ToRotate(Fields):
    """`grace`: for how many seconds the old key goes on verifying; by default the longest lifetime it signed for."""

    grace: int | None = None


@blueprint.post("")
def create() -> tuple[Response, int]:
    caller, asked = authorize("keys:write"), body(Where)
    level, key, secret = house().signing_keys.create(caller, asked.organization, asked.tenant)
    return jsonify(describe.signing_key(level, key) | {"secret": secret}), 201


@blueprint.get("")
def index() -> Response:
    caller, asked = authorize("keys:read"), query(Search)
    level, found = house().signing_keys.page(
        caller, asked.organization, asked.tenant, after=asked.after, limit=asked.limit + 1
    )
    return page(asked, found, lambda key: key.id, lambda key: describe.signing_key(level, key))


@blueprint.post("/<kid>/rotate")
def rotate(kid: str) -> Response:
    caller, asked = authorize("keys:write"), body(ToRotate)
    return jsonify(describe.rotation(house().signing_keys.rotate(caller, kid, grace=asked.grace)))


@blueprint.post("/<kid>/revoke")
def revoke(kid: str) -> Response:
    return jsonify(describe.signing_key(*house().signing_keys.revoke(authorize("keys:write"), kid)))
