"""What every answer tells a browser to be wary of, unless it knows better."""

from __future__ import annotations

from flask import Flask, Response

DEFAULTS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What an API key opens, secrets shown once among it, is for no cache on the way.
    "Cache-Control": "no-store",
}


def install(app: Flask) -> None:
    """Add to every answer of `app` what it does not say itself."""
    app.after_request(complete)


def complete(response: Response) -> Response:
    """The response, with what it does not say itself."""
    for name, value in DEFAULTS.items():
        response.headers.setdefault(name, value)
    if response.status_code == 204:
        response.headers.remove("Content-Type")
    return response
