"""The Flask application: blueprints found, errors told, requests logged, background loops started."""

from __future__ import annotations

import importlib
import pkgutil
import threading

from flask import Flask
from werkzeug.routing import BaseConverter

from mezzotint import logs, settings, wiring
from mezzotint.web import api, errors, headers, health, hub, request_log
from mezzotint.web.admission import Admission
from mezzotint.web.delivery import Delivery, in_front


class Name(BaseConverter):
    """A path's variable part. No name of ours has a control character, so one that has leads nowhere."""

    regex = r"[^/\x00-\x1f\x7f]+"


def create_app(house: wiring.House | None = None) -> Flask:
    """The application around `house`; without one a server's, built from the settings, its loops started."""
    if house is None:
        loaded = settings.load()
        logs.configure(loaded.logging.level)
        house = wiring.build(loaded, aside=hub.aside())
        _start_background(house)
    app = Flask("mezzotint", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.url_map.converters["default"] = Name
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["mezzotint"] = house
    request_log.install(app)
    errors.install(app)
    headers.install(app)
    app.register_blueprint(health.blueprint)
    for module in pkgutil.iter_modules(api.__path__):
        app.register_blueprint(importlib.import_module(f"{api.__name__}.{module.name}").blueprint)
    pictures = Admission(Delivery(house), house.in_flight)
    app.wsgi_app = in_front(pictures, app.wsgi_app)  # type: ignore[method-assign, assignment]
    return app


def _start_background(house: wiring.House) -> None:
    stop = threading.Event()
    for loop in (house.publisher.loop, house.usage.loop):
        threading.Thread(target=loop, args=(stop,), daemon=True).start()
