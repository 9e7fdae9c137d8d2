"""What renderers hold of all the memory that pictures needed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import islice

from bench import load, photographs, stack
from bench.processes import resident, tree
from bench.report import Figure, Report
from mezzotint.standalone.demo import TENANT
from tests.servers.installation import private_folder

RENDERS = 2000
STEP = 500
CLIENTS = 4
SIZES = ((2000, 1333), (4000, 3000), (6000, 4000))
MIX = (
    "w_{0}.jpg",
    "w_{0}.webp",
    "w_{0}-h_{0}.jpg",
    "w_{0}-h_{0}-g_attention.webp",
    "w_{0}.avif",
    "w_{0}-blur_3.jpg",
    "w_{0}-r_90.jpg",
    "w_{0}-h_200.png",
)


def bench(rounds: int) -> Report:
    """`rounds` times RENDERS variants, all different, of photographs of several sizes."""
    report = Report("Memory of renderers", f"scripts/bench memory --rounds {rounds}")
    home = private_folder()
    try:
        files = [file for size in SIZES for file in photographs.prepare(home / f"{size[0]}", *size)]
        with stack.running() as running:
            variants = _variants([running.upload(TENANT, file) for file in files])
            running.settle()
            for done in range(STEP, rounds * RENDERS + 1, STEP):
                load.ask(running.port, list(islice(variants, STEP)), clients=CLIENTS)
                report.figures.append(_largest(running, done))
        first, last = report.figures[0].median, report.figures[-1].median
        report.figures.append(Figure(f"MB after the last {STEP} / after the first", [last / first], at_most=1.1))
    finally:
        shutil.rmtree(home)
    report.notes.append(
        f"Resident memory, what is shared included, of the largest renderer; all of them together made so many "
        f"variants of {len(files)} photographs of {', '.join(f'{w * h / 1e6:.0f}' for w, h in SIZES)} MP: JPEG, WebP, "
        f"AVIF and PNG, scaled, cut, turned, blurred, cut by attention."
    )
    return report


def _variants(assets: Sequence[str]) -> Iterator[str]:
    """Paths of variants, each another one: of all sorts and sizes from the beginning."""
    for number in range(1000):
        width = 120 + number * 397 % 1000  # 397 and 1000 share no factor: every width once
        for turn, asset in enumerate(assets):
            yield f"{asset}/{MIX[(number + turn) % len(MIX)].format(width)}"


def _largest(running: stack.Stack, done: int) -> Figure:
    held = max(resident(pid) for pid in tree(running.part("renderers")))
    return Figure(f"MB after {done} renders", [held], at_most=100)
