"""API keys: what opens the control plane."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, jsonify

from mezzotint.services import describe
from mezzotint.services.reach import identifier
from mezzotint.web.auth import authorize
from mezzotint.web.fields import body, query
from mezzotint.web.house import house
from mezzotint.web.pages import Page, page
from mezzotint.web.where import Where

blueprint = Blueprint("api_keys", __name__, url_prefix="/v1/api-keys")


class NewApiKey(Where):
    """A key of a tenant or of an organization; `operator`: one for all organizations."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    operator: bool = False


@blueprint.post("")
def create() -> tuple[Response, int]:
    caller, asked = authorize("keys:write"), body(NewApiKey)
    key, token = house().api_keys.create(
        caller,
        asked.organization,
        asked.tenant,
        asked.name,
        asked.scopes,
        expires_at=asked.expires_at,
        for_operator=asked.operator,
    )
    return jsonify(describe.api_key(key) | {"key": token}), 201


@blueprint.get("")
def index() -> Response:
    caller, asked = authorize("keys:read"), query(Page)
    found = house().api_keys.page(caller, after=asked.after, limit=asked.limit + 1)
    return page(asked, found, lambda key: key.id, describe.api_key)


@blueprint.delete("/<key>")
def revoke(key: str) -> tuple[str, int]:
    house().api_keys.revoke(authorize("keys:write"), identifier(key))
    return "", 204
