"""Eight times what can be served: what still gets done, what hits feel of it, what a tenant's flood does to another."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import islice, product

from bench import load, photographs, stack
from bench.report import Figure, Report, ratio
from bench.tasks import W2
from mezzotint.standalone.demo import TENANT
from tests.servers.installation import private_folder

FACTOR = 8
SECONDS = 12
ENOUGH = 4
"""clients that keep the renderers busy and no more"""
PAUSE = 0.8
"""seconds between two requests of a client of the flood"""
WAITING = 32
"""clients of the flood that wait for a renderer rather than for their next turn"""
HITS, HIT_PAUSE = 4, 0.01
SPREAD = range(-40, 41)


@dataclass(slots=True)
class Felt:
    """What was felt in each round: pictures made and asked for a second, the 99th percentile of hits in milliseconds,
    and the seconds that each picture of another tenant took, and how many of them were refused.
    """

    made: list[float] = field(default_factory=list)
    offered: list[float] = field(default_factory=list)
    hits: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)


def bench(rounds: int) -> Report:
    """Idle, at capacity, overloaded, round after round."""
    report = Report("Overload", f"scripts/bench overload --rounds {rounds}")
    idle, capacity, overload = Felt(), Felt(), Felt()
    home = private_folder()
    try:
        files = photographs.prepare(home / "pictures", *W2.source)
        with stack.running() as running:
            flood = _variants([running.upload(TENANT, file) for file in files])
            other = running.tenant("other")
            quiet = _variants([running.upload(other, file) for file in files])
            hit = next(flood)
            # From its third size on a picture costs the same each time.
            begun = [path for variants in (flood, quiet) for path in islice(variants, 2 * len(files))]
            load.ask(running.port, [hit, *begun], clients=1)
            for _ in range(rounds):
                running.settle()
                _feel(idle, running.port, hit, quiet, None)
                running.settle()
                _feel(capacity, running.port, hit, None, _clients(running.port, flood, ENOUGH))
                running.settle()
                clients = round(FACTOR * capacity.made[-1] * PAUSE) + WAITING
                _feel(overload, running.port, hit, quiet, _clients(running.port, flood, clients, PAUSE))
    finally:
        shutil.rmtree(home)
    report.figures += [
        Figure("capacity, pictures a second", capacity.made),
        ratio("offered / capacity", overload.offered, capacity.made),
        ratio("made under overload / capacity", overload.made, capacity.made, at_least=0.95),
        Figure("ms, 99th percentile of hits, idle", idle.hits),
        Figure("ms, 99th percentile of hits, at capacity", capacity.hits),
        Figure("ms, 99th percentile of hits, overloaded", overload.hits),
        ratio("99th percentile of hits, overloaded / idle", overload.hits, idle.hits, at_most=2),
        Figure("ms for another tenant's new picture, idle", [second * 1000 for second in idle.others]),
        Figure("ms for another tenant's new picture, beside the flood", [second * 1000 for second in overload.others]),
        Figure("refusals of another tenant's, beside the flood", overload.refused, at_most=0),
    ]
    report.notes.append(
        f"New variants of 12 MP photographs (800x600 WebP). Capacity: {ENOUGH} clients, each asking for one after the "
        f"other. Overload: clients that ask some every {PAUSE:g} s, whatever the answer, for {FACTOR} times as many as "
        f"can be made. Hits meanwhile: {HITS} clients, each every {HIT_PAUSE * 1000:g} ms. The other tenant asks for "
        "one new picture after the other."
    )
    return report


def _variants(assets: Sequence[str]) -> Iterator[str]:
    """Paths of variants of the same effort, each another one."""
    width, height = 800, 600
    for one, other in product(SPREAD, SPREAD):
        for asset in assets:
            yield f"{asset}/w_{width + one}-h_{height + other}-q_{W2.quality}.{W2.ext}"


def _clients(port: int, variants: Iterator[str], clients: int, pause: float = 0.0) -> load.Wrk:
    paths = list(islice(variants, round((clients / pause if pause else 100) * SECONDS)))
    return load.Wrk(port, paths, clients, SECONDS, pause)


def _feel(felt: Felt, port: int, hit: str, quiet: Iterator[str] | None, flood: load.Wrk | None) -> None:
    """One round of `SECONDS`."""
    under_way = flood.start() if flood else None
    hits = load.Wrk(port, [hit], HITS, SECONDS, HIT_PAUSE).start()
    seconds, refused = _in_turn(port, quiet) if quiet else ([], 0)
    felt.hits.append(hits.result().p99)
    felt.others += seconds
    felt.refused.append(refused)
    if under_way:
        came = under_way.result()
        felt.made.append(came.rate + len(seconds) / SECONDS)
        felt.offered.append((came.pictures + came.refusals) / came.seconds)


def _in_turn(port: int, variants: Iterator[str]) -> tuple[list[float], int]:
    """Ask for one after the other: the seconds that each picture took, and how many were refused."""
    connection = HTTPConnection(load.HOST, port, timeout=60)
    end = time.monotonic() + SECONDS
    taken, refused = [], 0
    while (started := time.monotonic()) < end:
        connection.request("GET", next(variants))
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            taken.append(time.monotonic() - started)
        else:
            refused += 1
    connection.close()
    return taken, refused
