"""Starts a pool of renderers, or of those that are isolated."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import structlog

from mezzotint.grammar import Grammar
from mezzotint.imaging.jobs import InspectJob, MezzanineJob, RenderJob, fields_of
from mezzotint.imaging.renderer import process
from mezzotint.imaging.renderer.master import Master, PoolSettings
from mezzotint.imaging.renderer.seal import seal
from mezzotint.imaging.renderer.worker import Handler, work
from mezzotint.model.errors import PictureRefused
from mezzotint.plugin_api import Decoder, Encoder, IsolatedDecoder

log = structlog.get_logger(__name__)


def serve(settings: PoolSettings, grammar: Grammar, decoders: Sequence[Decoder], encoders: Sequence[Encoder]) -> None:
    """Run a pool until SIGTERM. Starts this process again when libvips needs another environment.

    Raises SystemExit with one line when the libvips found is not the one that is wanted.
    """
    process.start_again_in(process.environment())
    process.check_libvips()

    from mezzotint.imaging.decode import Decoders  # noqa: PLC0415  (only now the environment is right)
    from mezzotint.imaging.inspection import inspect  # noqa: PLC0415
    from mezzotint.imaging.mezzanine import mezzanine  # noqa: PLC0415
    from mezzotint.imaging.pipeline import Pipeline  # noqa: PLC0415

    formats = Decoders(decoders)
    pipeline = Pipeline(grammar, formats, encoders)

    def handle(header: dict[str, Any], files: list[int]) -> tuple[dict[str, Any], bytes]:
        facts = {name: value for name, value in header.items() if name not in ("kind", "expires")}
        facts["source"], *targets = files
        if header["kind"] == "inspect":
            return fields_of(inspect(formats, InspectJob(**facts))), b""
        if header["kind"] == "mezzanine":
            rendered = fields_of(mezzanine(formats, MezzanineJob(**facts)))
        else:
            rendered = fields_of(pipeline.render(RenderJob(**facts), *targets))
        return rendered, rendered.pop("data")

    unsealed = _trial(seal)
    if unsealed:  # what comes this far is what libvips itself holds safe
        log.warning("renderers_not_sealed", problem=unsealed)

    def prepare() -> None:
        formats.allow_only_these()
        if not unsealed:
            seal()

    _run(settings, handle, prepare)


def serve_isolated(settings: PoolSettings, decoders: Sequence[IsolatedDecoder], policy: Path) -> None:
    """Run an isolated pool until SIGTERM; where it can't be sealed, it takes no job. `policy` is ImageMagick's folder.

    Raises SystemExit as `serve` does.
    """
    process.start_again_in(process.isolated_environment(policy))
    process.check_libvips()

    from mezzotint.imaging.conversion import Conversion  # noqa: PLC0415  (only now the environment is right)

    conversion = Conversion(decoders)

    def handle(header: dict[str, Any], files: list[int]) -> tuple[dict[str, Any], bytes]:
        source, target = files
        conversion.convert(header["kind"], source, target, int(header["max_pixels"]))
        return {}, b""

    def prepare() -> None:
        conversion.prepare()
        seal()

    _run(settings, handle, prepare, unfit=_trial(prepare))


def _trial(action: Callable[[], None]) -> str:
    """Why this can't be done here, found out by a child that tries; empty when all is well."""
    said, saying = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            action()
        except Exception as problem:  # noqa: BLE001  (whatever it is, the parent hears of it)
            os.write(saying, str(problem).encode())
            os._exit(1)
        os._exit(0)
    os.close(saying)
    with os.fdopen(said, encoding="utf-8", errors="replace") as answer:
        reason = answer.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return reason or (f"a process that tried it ended with {code}" if code else "")


def _run(settings: PoolSettings, handle: Handler, prepare: Callable[[], None], unfit: str = "") -> None:
    import pyvips  # noqa: PLC0415

    def attempt(header: dict[str, Any], files: list[int]) -> tuple[dict[str, Any], bytes]:
        try:
            return handle(header, files)
        except UnicodeDecodeError as problem:  # libvips quotes the file, and pyvips takes that for a text
            raise PictureRefused("the file can't be decoded") from problem
        finally:
            # What pyvips could not read it left lying, and would stumble over in every later picture.
            pyvips.vips_lib.vips_error_clear()

    master = os.getpid()

    def renderer(channel: socket.socket) -> NoReturn:
        # The master decides about the end: a Ctrl-C or a TERM to all of the group must not lose the jobs at work.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        process.die_with(master)
        process.limit(settings.memory_bytes, settings.file_bytes)
        pyvips.cache_set_max(0)
        logging.getLogger("pyvips").setLevel(logging.WARNING)  # libvips tells of every step of every picture
        prepare()
        work(channel, attempt, settings.recycle, settings.cpu_seconds)
        os._exit(0)

    if unfit:
        log.error("pool_takes_no_jobs", problem=unfit)
    gc.freeze()  # what is here already stays shared between the processes
    Master(settings, renderer, process.libvips(), unfit).run()
