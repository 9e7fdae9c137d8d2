"""Access tokens: a part of what an API key may do, for a while."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify

from mezzotint.services.describe import moment
from mezzotint.web.auth import authorize
from mezzotint.web.fields import Fields, body
from mezzotint.web.house import house

blueprint = Blueprint("tokens", __name__, url_prefix="/v1/tokens")


class NewToken(Fields):
    """`scopes` of the API key that asks; `lifetime` in seconds, at most an hour."""

    scopes: tuple[str, ...]
    lifetime: int = 600


@blueprint.post("")
def create() -> tuple[Response, int]:
    caller, asked = authorize("tokens"), body(NewToken)
    token, exp = house().tokens.issue(caller, asked.scopes, asked.lifetime)
    return jsonify(token=token, exp=exp, expires_at=moment(datetime.fromtimestamp(exp, UTC))), 201
