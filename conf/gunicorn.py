"""gunicorn's settings. What varies between installations comes from Mezzotint's own settings."""

import structlog

from mezzotint import settings

_settings = settings.load()

bind = f"unix:{_settings.origin.socket}"
umask = 0o077  # the socket is for our own user
workers = _settings.origin.workers
worker_class = "gevent"
worker_connections = 1000
preload_app = False  # each worker opens its own connections after the fork
control_socket_disable = True

timeout = 60  # a worker whose loop stood still so long is replaced; a single request has its own deadline
graceful_timeout = 25
keepalive = 75  # longer than the edge keeps an idle connection, so that it never sends into a closed one

limit_request_line = 8190  # the edge refuses long paths first
limit_request_fields = 64
limit_request_field_size = 8190

# One JSON line per event on standard error; the application logs its own requests.
accesslog = None
logconfig_dict = {
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": _settings.logging.level.upper(), "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {"propagate": True},
        "gunicorn.access": {"level": "CRITICAL", "propagate": False},
    },
}
