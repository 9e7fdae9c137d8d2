"""Tenants: an organization's customers, which share nothing."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mezzotint.services import describe
from mezzotint.web.auth import authorize
from mezzotint.web.fields import body, query
from mezzotint.web.house import house
from mezzotint.web.pages import Page, page
from mezzotint.web.where import Named

blueprint = Blueprint("tenants", __name__, url_prefix="/v1/organizations/<organization>/tenants")


@blueprint.post("")
def create(organization: str) -> tuple[Response, int]:
    caller, asked = authorize("tenancy:write"), body(Named)
    return jsonify(describe.level(house().tenancy.create_tenant(caller, organization, asked.slug, asked.name))), 201


@blueprint.get("")
def index(organization: str) -> Response:
    caller, asked = authorize("tenancy:read"), query(Page)
    found = house().tenancy.list_tenants(caller, organization, after=asked.after, limit=asked.limit + 1)
    return page(asked, found, lambda level: level.noun.id, describe.level)


@blueprint.get("/<tenant>")
def read(organization: str, tenant: str) -> Response:
    return jsonify(describe.level(house().tenancy.level(authorize("tenancy:read"), organization, tenant)))


@blueprint.delete("/<tenant>")
def delete(organization: str, tenant: str) -> tuple[str, int]:
    house().tenancy.delete_tenant(authorize("tenancy:write"), organization, tenant)
    return "", 204
