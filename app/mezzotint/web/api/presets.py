"""Presets: named plans, used in URLs as `preset_{name}`."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mezzotint.services import describe
from mezzotint.services.reach import identifier
from mezzotint.web.auth import authorize
from mezzotint.web.fields import Fields, body, query
from mezzotint.web.house import house
from mezzotint.web.pages import Page, page
from mezzotint.web.where import WhereWithin

blueprint = Blueprint("presets", __name__, url_prefix="/v1/presets")


class NewPreset(WhereWithin):
    """A preset of the level named; of the API key's own when none is."""

    name: str
    operations: str
    auto_generate: bool = False
    match_tags: tuple[str, ...] = ()
    match_folders: tuple[str, ...] = ()


class PresetChange(Fields):
    """What to change; the rest stays."""

    operations: str | None = None
    auto_generate: bool | None = None
    match_tags: tuple[str, ...] | None = None
    match_folders: tuple[str, ...] | None = None


class Search(Page, WhereWithin):
    """Whose presets to list."""


@blueprint.post("")
def create() -> tuple[Response, int]:
    caller, asked = authorize("presets:write"), body(NewPreset)
    level, preset = house().presets.create(
        caller,
        asked.organization,
        asked.tenant,
        asked.space,
        asked.name,
        asked.operations,
        auto_generate=asked.auto_generate,
        match_tags=asked.match_tags,
        match_folders=asked.match_folders,
    )
    return jsonify(describe.preset(level, preset)), 201


@blueprint.get("")
def index() -> Response:
    caller, asked = authorize("presets:read"), query(Search)
    level, found = house().presets.page(
        caller, asked.organization, asked.tenant, asked.space, after=asked.after, limit=asked.limit + 1
    )
    return page(asked, found, lambda preset: preset.id, lambda preset: describe.preset(level, preset))


@blueprint.get("/<preset>")
def read(preset: str) -> Response:
    return jsonify(describe.preset(*house().presets.get(authorize("presets:read"), identifier(preset))))


@blueprint.patch("/<preset>")
def change(preset: str) -> Response:
    caller, asked = authorize("presets:write"), body(PresetChange)
    return jsonify(describe.preset(*house().presets.update(caller, identifier(preset), **asked.model_dump())))


@blueprint.delete("/<preset>")
def delete(preset: str) -> tuple[str, int]:
    house().presets.delete(authorize("presets:write"), identifier(preset))
    return "", 204
