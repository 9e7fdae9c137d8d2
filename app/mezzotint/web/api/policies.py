"""Policies: what a level decides itself, and what holds there."""

from __future__ import annotations

from typing import Any, get_type_hints

from flask import Blueprint, Response, jsonify
from pydantic import create_model

from mezzotint.model.policy import Policy
from mezzotint.services import describe
from mezzotint.web.auth import authorize
from mezzotint.web.fields import Fields, body
from mezzotint.web.house import house

blueprint = Blueprint("policies", __name__, url_prefix="/v1/organizations/<organization>")

_VALUES: dict[str, Any] = {name: (kind, None) for name, kind in get_type_hints(Policy).items()}
PolicyFields = create_model("PolicyFields", __base__=Fields, **_VALUES)
"""A level's own policy; what is missing or null is inherited."""


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
