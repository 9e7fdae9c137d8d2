"""Settings to pools of renderers. What they do not need, stores and databases say, never enters their processes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mezzotint import logs, registry
from mezzotint.imaging.decoded import PIXELS_BYTES
from mezzotint.imaging.isolation import COPY_BYTES
from mezzotint.imaging.renderer.master import PoolSettings
from mezzotint.imaging.renderer.serve import serve, serve_isolated
from mezzotint.settings import SettingsError

if TYPE_CHECKING:
    from mezzotint.settings import Settings


def run(settings: Settings) -> None:
    """Run the renderer pool that `settings` describe until SIGTERM. Raises PluginError, SystemExit."""
    plugins, pool = registry.load(settings.plugins.enabled), settings.renderers
    logs.configure(settings.logging.level)
    serve(
        PoolSettings(
            socket=pool.socket,
            workers=pool.workers,
            background=pool.background,
            queue=pool.queue,
            queue_per_tenant=pool.queue_per_tenant,
            memory_bytes=pool.memory_bytes,
            recycle=pool.recycle,
            nice=pool.nice,
            cpu_seconds=math.inf,
            file_bytes=PIXELS_BYTES,
        ),
        plugins.grammar(),
        [decoder() for decoder in plugins.decoders.values()],
        [encoder() for encoder in plugins.encoders.values()],
    )


def run_isolated(settings: Settings) -> None:
    """Run the isolated renderers that `settings` describe until SIGTERM. Raises PluginError, SystemExit."""
    plugins, pool = registry.load(settings.plugins.enabled), settings.isolation
    if pool.socket is None:
        raise SettingsError("isolation.socket: is missing, so there are no isolated renderers to run")
    logs.configure(settings.logging.level)
    serve_isolated(
        PoolSettings(
            socket=pool.socket,
            workers=pool.workers,
            background=0,
            queue=pool.queue,
            queue_per_tenant=pool.queue_per_tenant,
            memory_bytes=pool.memory_bytes,
            recycle=pool.recycle,
            nice=pool.nice,
            cpu_seconds=pool.cpu_seconds,
            file_bytes=COPY_BYTES,
        ),
        plugins.isolated_decoders(pool.formats),
        pool.policy,
    )
