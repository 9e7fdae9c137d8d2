"""Starts a renderer pool."""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from mezzotint.grammar import Grammar
from mezzotint.imaging.jobs import InspectJob, MezzanineJob, RenderJob
from mezzotint.imaging.renderer import process
from mezzotint.imaging.renderer.master import Master, PoolSettings
from mezzotint.imaging.renderer.worker import work
from mezzotint.plugin_api import Decoder, Encoder


def serve(settings: PoolSettings, grammar: Grammar, decoders: Sequence[Decoder], encoders: Sequence[Encoder]) -> None:
    """Run a pool until SIGTERM. Starts this process again when libvips needs another environment.

    Raises SystemExit with one line when the libvips found is not the one that is wanted.
    """
    process.start_again_in(process.environment())
    process.check_libvips()
    import pyvips  # noqa: PLC0415  (only now the environment is right)

    from mezzotint.imaging.decode import Decoders  # noqa: PLC0415
    from mezzotint.imaging.inspection import inspect  # noqa: PLC0415
    from mezzotint.imaging.mezzanine import mezzanine  # noqa: PLC0415
    from mezzotint.imaging.pipeline import Pipeline  # noqa: PLC0415

    formats = Decoders(decoders)
    pipeline = Pipeline(grammar, formats, encoders)
    master = os.getpid()

    def handle(header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        facts = {name: value for name, value in header.items() if name not in ("kind", "expires")}
        facts["source"] = Path(facts["source"])
        if header["kind"] == "inspect":
            return asdict(inspect(formats, InspectJob(**facts))), b""
        if header["kind"] == "mezzanine":
            rendered = asdict(mezzanine(formats, MezzanineJob(**facts)))
        else:
            rendered = asdict(pipeline.render(RenderJob(**facts)))
        return rendered, rendered.pop("data")

    def renderer(channel: socket.socket) -> NoReturn:
        # The master decides about the end: a Ctrl-C or a TERM to all of the group must not lose the jobs at work.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        process.die_with(master)
        process.limit(settings.memory_bytes)
        pyvips.cache_set_max(0)
        formats.allow_only_these()
        work(channel, handle, settings.recycle)
        os._exit(0)

    gc.freeze()  # what is here already stays shared between the processes
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    Master(settings, renderer, version).run()
