"""Policies: what a level decides itself, and what holds there."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mezzotint.model.asset import Access
from mezzotint.model.policy import Policy
from mezzotint.services import describe
from mezzotint.web.auth import authorize
from mezzotint.web.fields import Fields, body
from mezzotint.web.house import house

blueprint = Blueprint("policies", __name__, url_prefix="/v1/organizations/<organization>")


class PolicyFields(Fields):
    """A level's own policy; what is missing or null is inherited."""

    default_access: Access | None = None
    allowed_operations: tuple[str, ...] | None = None
    allowed_formats: tuple[str, ...] | None = None
    presets_only: bool | None = None
    max_upload_bytes: int | None = None
    max_source_pixels: int | None = None
    max_output_pixels: int | None = None
    max_side: int | None = None
    default_lifetime: int | None = None
    max_lifetime: int | None = None
    public_originals: bool | None = None
    cache_seconds_fixed: int | None = None
    cache_seconds_preset: int | None = None


@blueprint.get("/policy")
@blueprint.get("/tenants/<tenant>/policy")
@blueprint.get("/tenants/<tenant>/spaces/<space>/policy")
def read(organization: str, tenant: str | None = None, space: str | None = None) -> Response:
    ruled = house().policies.get(authorize("tenancy:read"), organization, tenant, space)
    return jsonify(describe.policy(ruled))


@blueprint.put("/policy")
@blueprint.put("/tenants/<tenant>/policy")
@blueprint.put("/tenants/<tenant>/spaces/<space>/policy")
def write(organization: str, tenant: str | None = None, space: str | None = None) -> Response:
    caller, policy = authorize("tenancy:write"), Policy(**body(PolicyFields).model_dump())
    return jsonify(describe.policy(house().policies.put(caller, organization, tenant, space, policy)))
