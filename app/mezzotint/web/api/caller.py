"""The caller: what the API key or access token that came may do."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mezzotint.web.auth import authenticate
from mezzotint.web.fields import Fields, query

blueprint = Blueprint("caller", __name__, url_prefix="/v1/caller")


class Question(Fields):
    """`scope` has to be among those that are allowed, if it is given."""

    scope: str | None = None


@blueprint.get("")
def read() -> Response:
    """Edges ask before they read an upload, so that nobody's bytes lie on their disks unasked."""
    caller, asked = authenticate(), query(Question)
    if asked.scope is not None:
        caller.need(asked.scope)
    return jsonify(actor=caller.actor, scopes=sorted(caller.scopes))
