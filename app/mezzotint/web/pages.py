"""Lists a page at a time: `limit`, and a cursor that says where the next page begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, jsonify
from pydantic import Field

from mezzotint.model.errors import InvalidField
from mezzotint.web.fields import Fields

Item = TypeVar("Item")


class Page(Fields):
    """The query arguments of every list."""

    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = None

    @property
    def after(self) -> UUID | None:
        """The last item of the page before. Raises InvalidField."""
        if self.cursor is None:
            return None
        try:
            return UUID(bytes=base64.urlsafe_b64decode(self.cursor + "=="))
        except (ValueError, binascii.Error):
            raise InvalidField("not a cursor of this list", field="cursor") from None


def page(
    asked: Page, items: Sequence[Item], identify: Callable[[Item], UUID], present: Callable[[Item], dict[str, Any]]
) -> Response:
    """`items`, of which one more than asked for was read, so that it is known whether there is a next page."""
    shown = items[: asked.limit]
    cursor = None
    if len(items) > len(shown):
        cursor = base64.urlsafe_b64encode(identify(shown[-1]).bytes).rstrip(b"=").decode()
    return jsonify(items=[present(item) for item in shown], next=cursor)
