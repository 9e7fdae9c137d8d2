"""The house that the application at hand was built around."""

from __future__ import annotations

from typing import cast

from flask import current_app

from mezzotint.wiring import House


def house() -> House:
    return cast(House, current_app.extensions["mezzotint"])
