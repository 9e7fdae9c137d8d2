"""gunicorn's settings. What varies between installations comes from Mezzotint's own settings."""

from gunicorn.config import Config
from gunicorn.glogging import Logger

from mezzotint import logs, settings

_settings = settings.load()
logs.configure(_settings.logging.level)

bind = _settings.origin.bind
umask = 0o077  # a socket is for our own user
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

accesslog = None  # the application logs its own requests


class JsonLogger(Logger):
    """Hands gunicorn's own events to the application's log."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = JsonLogger
