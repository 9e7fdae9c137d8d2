"""Health: `/livez` says that this process answers, `/readyz` whether the parts behind it do."""

from __future__ import annotations

import os
from dataclasses import asdict

from flask import Blueprint, Response, current_app, jsonify

blueprint = Blueprint("health", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> Response:
    parts = current_app.extensions["mezzotint"].readiness.look()
    ready = all(part.ok for part in parts)
    # Each process has connections and breakers of its own: this tells of one.
    response = jsonify(
        status="ok" if ready else "unavailable", process=os.getpid(), parts=[asdict(part) for part in parts]
    )
    response.status_code = 200 if ready else 503
    return response
