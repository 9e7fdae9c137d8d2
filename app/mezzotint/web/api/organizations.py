"""Organizations: the top of the hierarchy."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mezzotint.services import describe
from mezzotint.web.auth import authorize
from mezzotint.web.fields import body, query
from mezzotint.web.house import house
from mezzotint.web.pages import Page, page
from mezzotint.web.where import Named

blueprint = Blueprint("organizations", __name__, url_prefix="/v1/organizations")


@blueprint.post("")
def create() -> tuple[Response, int]:
    caller, asked = authorize("tenancy:write"), body(Named)
    return jsonify(describe.level(house().tenancy.create_organization(caller, asked.slug, asked.name))), 201


@blueprint.get("")
def index() -> Response:
    caller, asked = authorize("tenancy:read"), query(Page)
    found = house().tenancy.list_organizations(caller, after=asked.after, limit=asked.limit + 1)
    return page(asked, found, lambda level: level.noun.id, describe.level)


@blueprint.get("/<organization>")
def read(organization: str) -> Response:
    return jsonify(describe.level(house().tenancy.level(authorize("tenancy:read"), organization)))


@blueprint.delete("/<organization>")
def delete(organization: str) -> tuple[str, int]:
    house().tenancy.delete_organization(authorize("tenancy:write"), organization)
    return "", 204
