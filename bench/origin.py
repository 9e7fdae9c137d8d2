"""First renders: CPU, bytes and quality, against bare libvips calls and against a server around sharp."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import mean

from bench import contenders, load, photographs, stack
from bench.contenders import Background, Contender, Job, Libvips, Mezzotint, Sharp
from bench.processes import cpu_seconds
from bench.quality import Scale
from bench.report import Figure, Report, ratio
from bench.tasks import AVIF, W1, W2, WEBP, Task
from mezzotint.imaging.client import Renderers
from mezzotint.standalone.demo import TENANT
from mezzotint.standalone.layout import Layout
from tests.servers.installation import private_folder

REQUESTS = {W1.name: 40, W2.name: 16, WEBP.name: 16, AVIF.name: 16}
"""in a round"""
_TASKS = """\
w1: 2000x1333 JPEG to 500x500 cover, JPEG q80. w2: 12 MP JPEG to 800 wide, WebP q80. Sizes vary by up to ten pixels, \
the same for all, since Mezzotint makes a variant once. CPU is user and system time of the whole server tree \
(Mezzotint: nginx, gunicorn, renderers, PostgreSQL, Redis; what is made is stored and recorded). Bare libvips: \
`thumbnail` and save in one process, no server. w2 is taken before any mezzanine is made, with the background worker \
stopped; once more, and AVIF against WebP, when all are. From the second size on an original's pixels are kept: the \
first and the second size of each are rows of their own, and what is compared are further ones. Bytes and quality are \
those of the first size."""
_LOST = """\
Stored variant: the origin is asked over its socket, one request after the other, with the headers of an edge that \
lost the picture; memory and Redis know of it. CPU is that of the whole server tree; the edge has no part in it."""
_PAIR = f"AVIF q{AVIF.quality} / WebP q{WEBP.quality}"
HERD = 50
_SIZES = 2
"""of each original, before its pixels are there for all further ones"""
STORED = 1500
"""requests in a round for variants that are stored already"""


def bench(rounds: int) -> Report:
    """Every contender in turn does the same jobs, round after round."""
    report = Report("First renders", f"scripts/bench origin --rounds {rounds}")
    home, scale = private_folder(), Scale()
    try:
        small, large = (photographs.prepare(home / f"{size[0]}", *size) for size in (W1.source, W2.source))
        with stack.running() as running, contenders.sharp() as sharp:
            _warm(running, small[0])
            ours = _uploaded(running, TENANT, small)
            running.settle()
            w1 = _Comparison("w1", W1, small, ours, sharp)
            with running.without("worker"):
                w2 = _Comparison("w2", W2, large, _uploaded(running, TENANT, large), sharp)
                work, looks = list(w2.work(rounds, of_sharp=0.75)), list(w2.looks(scale))
            of_mezzanines = _uploaded(running, running.tenant("mezzanines"), large)
            running.settle()
            mezzanines = _Comparison("w2 of mezzanines", W2, large, of_mezzanines, sharp)
            report.figures += w1.work(rounds, of_sharp=1.0, of_libvips=1.08)
            report.figures += [*work, *mezzanines.work(rounds, of_sharp=0.45)]
            report.figures.append(_avif_work(large, of_mezzanines, rounds))
            report.figures += [*w1.looks(scale), *looks, *mezzanines.looks(scale)]
            background = contenders.Background(Renderers(Layout(running.folder).sockets / "renderers.sock"))
            report.figures += w2.looks_later(background, scale)
            report.figures += _avif_looks(large, of_mezzanines, scale)
            report.figures += _stored(running, ours.assets[small[0]], rounds)
            report.figures.append(_herd(running, ours.assets[small[0]]))
    finally:
        shutil.rmtree(home)
    report.notes += [
        _TASKS,
        _LOST,
        f"{len(small)} photographs. Quality: SSIMULACRA2 against an exact resize in floating point.",
        f"sharp {sharp.versions['sharp']} on libvips {sharp.versions['vips']}; Mezzotint on libvips {_libvips()}.",
    ]
    return report


def _warm(running: stack.Stack, file: Path) -> None:
    """Let every process have done its work before."""
    asset = running.upload(running.tenant("first"), file)
    load.ask(
        running.port, [f"{asset}/w_{width}-h_90.{ext}" for width in range(90, 99) for ext in ("jpg", "webp")], clients=4
    )


def _uploaded(running: stack.Stack, tenant: str, files: Sequence[Path]) -> Mezzotint:
    return Mezzotint(running, {file: running.upload(tenant, file) for file in files})


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The same work done by everybody."""

    name: str
    task: Task
    files: Sequence[Path]
    ours: Mezzotint
    sharp: Sharp

    def work(self, rounds: int, *, of_sharp: float, of_libvips: float | None = None) -> Iterator[Figure]:
        """Milliseconds of CPU, and their ratios."""
        race: dict[str, Contender] = {"Mezzotint": self.ours, "bare libvips": Libvips(), "sharp": self.sharp}
        cpu = _race(race, [self.task] * 3, self.files, rounds)
        further = {name: values[_SIZES:] for name, values in cpu.items()}
        mine = further["Mezzotint"]
        yield ratio(f"{self.name}: CPU / bare libvips", mine, further["bare libvips"], at_most=of_libvips)
        yield ratio(f"{self.name}: CPU / sharp", mine, further["sharp"], at_most=of_sharp)
        for size, ours, theirs in zip(("first", "second"), cpu["Mezzotint"], cpu["sharp"], strict=False):
            yield ratio(f"{self.name}, {size} size: CPU / sharp", [ours], [theirs])
        for name, values in further.items():
            yield Figure(f"{self.name}: ms of CPU, {name}", values)

    def looks(self, scale: Scale) -> Iterator[Figure]:
        """Bytes and quality."""
        jobs = [(file, self.task.size) for file in self.files]
        exact = [scale.exact(file, size) for file, size in jobs]
        made, theirs = self.ours.make(self.task, jobs), self.sharp.make(self.task, jobs)
        scores, their_scores = (
            [scale.score(*pair) for pair in zip(exact, pictures, strict=True)] for pictures in (made, theirs)
        )
        yield ratio(f"{self.name}: bytes / sharp", map(len, made), map(len, theirs), at_most=1.0)
        yield Figure(f"{self.name}: quality, mean", [mean(scores)], at_least=70)
        yield Figure(f"{self.name}: quality, worst photograph", [min(scores)], at_least=60)
        better = [one - other for one, other in zip(scores, their_scores, strict=True)]
        yield Figure(f"{self.name}: quality less sharp's", better, at_least=0)

    def looks_later(self, background: Background, scale: Scale) -> Iterator[Figure]:
        """Bytes and quality of what takes the place of pictures that are asked for often."""
        jobs = [(file, self.task.size) for file in self.files]
        made, theirs = background.make(self.task, jobs), self.sharp.make(self.task, jobs)
        better = []
        for job, one, other in zip(jobs, made, theirs, strict=True):
            exact = scale.exact(*job)
            better.append(scale.score(exact, one) - scale.score(exact, other))
        yield ratio(f"{self.name}, bettered in the background: bytes / sharp", map(len, made), map(len, theirs))
        yield Figure(f"{self.name}, bettered in the background: quality less sharp's", better)


def _race(
    race: dict[str, Contender], tasks: Sequence[Task], files: Sequence[Path], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds a request by contender and round, behind those for the first sizes of every file."""
    jobs: Iterator[Job] = ((file, size) for size in tasks[0].sizes() for file in files)
    used: dict[str, list[float]] = {name: [] for name in race}
    for number in range(_SIZES + rounds):
        now = list(islice(jobs, len(files) if number < _SIZES else REQUESTS[tasks[0].name]))
        lanes = list(zip(race.items(), tasks, strict=True))
        for (name, contender), task in reversed(lanes) if number % 2 else lanes:
            used[name].append(contender.cpu(task, now) / len(now) * 1000)
    return used


def _avif_work(files: Sequence[Path], ours: Mezzotint, rounds: int) -> Figure:
    cpu = _race({"AVIF": ours, "WebP": ours}, [AVIF, WEBP], files, rounds)
    return ratio(f"CPU of {_PAIR}", cpu["AVIF"][_SIZES:], cpu["WebP"][_SIZES:], at_most=1.3)


def _avif_looks(files: Sequence[Path], ours: Mezzotint, scale: Scale) -> Iterator[Figure]:
    jobs = [(file, AVIF.size) for file in files]
    exact = [scale.exact(file, size) for file, size in jobs]
    avif, webp = ours.make(AVIF, jobs), ours.make(WEBP, jobs)
    yield ratio(f"bytes of {_PAIR}", map(len, avif), map(len, webp), at_most=1.0)
    better = [
        scale.score(png, one) - scale.score(png, other) for png, one, other in zip(exact, avif, webp, strict=True)
    ]
    yield Figure(f"quality of AVIF q{AVIF.quality} less WebP q{WEBP.quality}'s", better, at_least=0)


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
