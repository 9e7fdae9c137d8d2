"""Bodies and queries as pydantic models: unknown fields refused, the field at fault named."""

from __future__ import annotations

from typing import NoReturn, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from mezzotint.model.errors import BadRequest, InvalidField

MAX_BODY = 256 * 1024


class Fields(BaseModel):
    """The fields of one request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*")
    @classmethod
    def _storable(cls, value: object) -> object:
        # Only here: PostgreSQL holds every other character, and each noun has its own rules for names.
        if any("\0" in text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)):
            raise PydanticCustomError("nul", "has a NUL character")
        return value


Model = TypeVar("Model", bound=Fields)


def body(model: type[Model]) -> Model:
    """The request's JSON body; a string is not taken for a number, nor the reverse.

    Raises BadRequest when the body is no JSON, InvalidField when a field is wrong.
    """
    request.max_content_length = MAX_BODY
    try:
        return model.model_validate_json(request.get_data() or b"{}", strict=True)
    except ValidationError as problem:
        _refuse(problem)


def query(model: type[Model]) -> Model:
    """The request's query arguments. Raises InvalidField for an unknown, doubled or wrong one."""
    return form(model, request.args.to_dict(flat=False))


def form(model: type[Model], values: dict[str, list[str]], *, lists: frozenset[str] = frozenset()) -> Model:
    """Texts as a model; only fields named in `lists` may come more than once. Raises InvalidField."""
    for name, given in values.items():
        if len(given) > 1 and name not in lists:
            raise InvalidField("given twice", field=name)
    try:
        return model.model_validate({name: given if name in lists else given[0] for name, given in values.items()})
    except ValidationError as problem:
        _refuse(problem)


def _refuse(problem: ValidationError) -> NoReturn:
    first = problem.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        raise BadRequest(f"the body must be a JSON object: {first['msg']}") from None
    field = ".".join(str(part) for part in first["loc"])
    detail = "unknown field" if first["type"] == "extra_forbidden" else first["msg"]
    raise InvalidField(detail, field=field or None) from None
