"""First renders: CPU, bytes and quality, against bare libvips calls and against a server around sharp."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import mean

from bench import contenders, load, photographs, stack
from bench.contenders import Contender, Job, Mezzotint, Sharp
from bench.processes import cpu_seconds
from bench.quality import Scale
from bench.report import Figure, Report, ratio
from bench.tasks import AVIF, W1, W2, WEBP, Task
from mezzotint.standalone.demo import TENANT
from tests.servers.installation import private_folder

REQUESTS = {W1.name: 40, W2.name: 16, WEBP.name: 16, AVIF.name: 16}
"""in a round"""
_TASKS = """\
w1: 2000x1333 JPEG to 500x500 cover, JPEG q80. w2: 12 MP JPEG to 800 wide, WebP q80. Sizes vary by up to ten pixels, \
the same for all, since Mezzotint makes a variant once. CPU is user and system time of the whole server tree \
(Mezzotint: nginx, gunicorn, renderers, PostgreSQL, Redis; what is made is stored and recorded). Bare libvips: \
`thumbnail` and save in one process, no server."""
_LOST = """\
Stored variant: the origin is asked over its socket, one request after the other, with the headers of an edge that \
lost the picture; memory and Redis know of it. CPU is that of the whole server tree; the edge has no part in it."""
HERD = 50
STORED = 1500
"""requests in a round for variants that are stored already"""


def bench(rounds: int) -> Report:
    """Every contender in turn does the same jobs, round after round."""
    report = Report("First renders", f"scripts/bench origin --rounds {rounds}")
    home = private_folder()
    try:
        files = {size: photographs.prepare(home / f"{size[0]}", *size) for size in (W1.source, W2.source)}
        with stack.running() as running, contenders.sharp() as sharp:
            assets = {file: running.upload(TENANT, file) for same in files.values() for file in same}
            running.settle()
            ours = Mezzotint(running, assets)
            report.figures += _work(files, ours, sharp, rounds)
            report.figures += _looks(files, ours, sharp)
            report.figures += _stored(running, assets[files[W1.source][0]], rounds)
            report.figures.append(_herd(running, assets[files[W1.source][0]]))
    finally:
        shutil.rmtree(home)
    report.notes += [
        _TASKS,
        _LOST,
        f"{len(files[W1.source])} photographs. Quality: SSIMULACRA2 against an exact resize in floating point.",
        f"sharp {sharp.versions['sharp']} on libvips {sharp.versions['vips']}; Mezzotint on libvips {_libvips()}.",
    ]
    return report


def _work(files: dict[tuple[int, int], list[Path]], ours: Mezzotint, sharp: Sharp, rounds: int) -> Iterator[Figure]:
    """Milliseconds of CPU, and their ratios."""
    for task, of_libvips, of_sharp in ((W1, 1.08, 1.0), (W2, None, 0.75)):
        race: dict[str, Contender] = {"Mezzotint": ours, "bare libvips": contenders.Libvips(), "sharp": sharp}
        cpu = _race(race, [task] * 3, files[task.source], rounds)
        yield ratio(f"{task.name}: CPU / bare libvips", cpu["Mezzotint"], cpu["bare libvips"], at_most=of_libvips)
        yield ratio(f"{task.name}: CPU / sharp", cpu["Mezzotint"], cpu["sharp"], at_most=of_sharp)
        for name, values in cpu.items():
            yield Figure(f"{task.name}: ms of CPU, {name}", values)
    cpu = _race({"AVIF": ours, "WebP": ours}, [AVIF, WEBP], files[W2.source], rounds)
    yield ratio("CPU of AVIF q72 / WebP q85", cpu["AVIF"], cpu["WebP"], at_most=1.3)


def _race(
    race: dict[str, Contender], tasks: Sequence[Task], files: Sequence[Path], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds a request by contender and round, after a round to warm up."""
    jobs: Iterator[Job] = ((file, size) for size in tasks[0].sizes() for file in files)
    used: dict[str, list[float]] = {name: [] for name in race}
    for number in range(rounds + 1):
        now = list(islice(jobs, REQUESTS[tasks[0].name]))
        lanes = list(zip(race.items(), tasks, strict=True))
        for (name, contender), task in reversed(lanes) if number % 2 else lanes:
            used[name].append(contender.cpu(task, now) / len(now) * 1000)
    return {name: values[1:] for name, values in used.items()}


def _looks(files: dict[tuple[int, int], list[Path]], ours: Mezzotint, sharp: Sharp) -> Iterator[Figure]:
    """Bytes and quality."""
    scale = Scale()
    for task in (W1, W2):
        jobs = [(file, task.size) for file in files[task.source]]
        exact = [scale.exact(file, size) for file, size in jobs]
        made, theirs = ours.make(task, jobs), sharp.make(task, jobs)
        scores, their_scores = (
            [scale.score(*pair) for pair in zip(exact, pictures, strict=True)] for pictures in (made, theirs)
        )
        yield ratio(f"{task.name}: bytes / sharp", map(len, made), map(len, theirs), at_most=1.0)
        yield Figure(f"{task.name}: quality, mean", [mean(scores)], at_least=70)
        yield Figure(f"{task.name}: quality, worst photograph", [min(scores)], at_least=60)
        better = [one - other for one, other in zip(scores, their_scores, strict=True)]
        yield Figure(f"{task.name}: quality less sharp's", better, at_least=0)
    jobs = [(file, AVIF.size) for file in files[AVIF.source]]
    exact = [scale.exact(file, size) for file, size in jobs]
    avif, webp = ours.make(AVIF, jobs), ours.make(WEBP, jobs)
    yield ratio("bytes of AVIF q72 / WebP q85", map(len, avif), map(len, webp), at_most=1.0)
    better = [
        scale.score(png, one) - scale.score(png, other) for png, one, other in zip(exact, avif, webp, strict=True)
    ]
    yield Figure("quality of AVIF q72 less WebP q85's", better, at_least=0)


def _stored(running: stack.Stack, asset: str, rounds: int) -> Iterator[Figure]:
    """What the origin spends on a variant that is stored, when the edge has lost it."""
    path = f"{asset}/{W1.variant(W1.size)}"
    asked = {
        "Host": load.HOST,
        "X-Request-Id": "0123456789abcdef-1-1",
        "X-Forwarded-For": "127.0.0.1",
        "X-Mezzotint-Path": path,
        "X-Mezzotint-Host": load.HOST,
    }
    ways = {"left to the edge": {**asked, "X-Mezzotint-Stores": "originals variants"}, "sent by the origin": asked}
    values: dict[str, list[float]] = {way: [] for way in ways}
    connection = load.UnixConnection(running.folder / "run/origin.sock")
    for _ in range(rounds + 1):
        for way, headers in ways.items():
            before = cpu_seconds(running.pid)
            for _ in range(STORED):
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                assert (answer.status, answer.read() != b"") == (200, headers is asked), way
            values[way].append((cpu_seconds(running.pid) - before) / STORED * 1000)
    connection.close()
    for (way, used), target in zip(values.items(), (1.5, None), strict=True):
        yield Figure(f"ms of CPU, stored variant {way}", used[1:], at_most=target)


def _herd(running: stack.Stack, asset: str) -> Figure:
    """Renders that as many clients cause who ask for the same new variant at once."""
    before = running.renders()
    load.ask(running.port, [f"{asset}/w_333-h_444.jpg"] * HERD, clients=HERD)
    return Figure(f"renders for {HERD} simultaneous clients", [running.renders() - before], at_most=1)


def _libvips() -> str:
    import pyvips  # noqa: PLC0415

    return ".".join(str(pyvips.version(part)) for part in range(3))
