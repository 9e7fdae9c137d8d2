"""Spaces: a tenant's places for assets."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mezzotint.services import describe
from mezzotint.web.auth import authorize
from mezzotint.web.fields import body, query
from mezzotint.web.house import house
from mezzotint.web.pages import Page, page
from mezzotint.web.where import Named

blueprint = Blueprint("spaces", __name__, url_prefix="/v1/organizations/<organization>/tenants/<tenant>/spaces")


@blueprint.post("")
def create(organization: str, tenant: str) -> tuple[Response, int]:
    caller, asked = authorize("tenancy:write"), body(Named)
    level = house().tenancy.create_space(caller, organization, tenant, asked.slug, asked.name)
    return jsonify(describe.level(level)), 201


@blueprint.get("")
def index(organization: str, tenant: str) -> Response:
    caller, asked = authorize("tenancy:read"), query(Page)
    found = house().tenancy.list_spaces(caller, organization, tenant, after=asked.after, limit=asked.limit + 1)
    return page(asked, found, lambda level: level.noun.id, describe.level)


@blueprint.get("/<space>")
def read(organization: str, tenant: str, space: str) -> Response:
    return jsonify(describe.level(house().tenancy.level(authorize("tenancy:read"), organization, tenant, space)))


@blueprint.delete("/<space>")
def delete(organization: str, tenant: str, space: str) -> tuple[str, int]:
    house().tenancy.delete_space(authorize("tenancy:write"), organization, tenant, space)
    return "", 204
