"""The corpus through the running stack: each file is refused with a clear answer, or comes out small and clean."""

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pyvips
import requests

from tests.conftest import CORPUS
from tests.hostile.conftest import FORMATS, Logs, is_problem, stored_objects
from tests.hostile.crafted import BEARABLE, REFUSED
from tests.journeys.conftest import Home
from tests.journeys.waiting import until, until_answer
from tests.servers.installation import Stack

SHAPES = ["w_64.jpg", "fmt_auto.jpg", "w_100-h_100-g_attention.webp", "w_300-blur_3.png", "w_200-r_30.webp"]
COVERED = {".jpg", ".png", ".gif", ".webp", ".avif"}
CLIENTS = 4
POOLS = ("renderers", "isolated")
ENOUGH = 1024**3
"""bytes of memory for any of these files: a third of what a renderer may have, and half of an isolated one's"""
MARKS = [b"canary", b"<script", b"<svg", b"PK\x03\x04", b"<?php", b"DOCTYPE", b"Exif\0\0", b"http://", b"root:x:"]
"""What hides in the corpus: HTML, archives, programs, names of machines and people."""


def corpus_files(folder: str) -> list[Path]:
    return sorted(path for path in (CORPUS / folder).rglob("*") if path.is_file() and path.suffix != ".md")


@dataclass(frozen=True)
class Outcome:
    """What came of one file: the answer to its upload, and those to the pictures asked of it."""

    name: str
    upload: requests.Response
    pictures: dict[str, requests.Response]

    @property
    def answers(self) -> list[requests.Response]:
        return [self.upload, *self.pictures.values()]


def judged(ask: Callable[[], requests.Response]) -> requests.Response:
    """What is said of the picture: asked again where the machine stood still, but not where a renderer was killed."""
    return until_answer(ask, lambda answer: answer.status_code != 503 or "was killed" in answer.text)


def travel(home: Home, name: str, data: bytes, shapes: list[str]) -> Outcome:
    upload = judged(lambda: home.upload(data, name=name.rpartition("/")[2]))
    taken = upload.status_code in (200, 201)
    accept = {"Accept": "image/avif,image/webp,*/*"}
    shown = {
        shape: judged(lambda shape=shape: requests.get(home.url(upload.json(), shape), headers=accept))
        for shape in (shapes if taken else [])
    }
    return Outcome(name, upload, shown)


def pool(stack: Stack, part: str) -> list[int]:
    """The processes of a pool of renderers, their master first."""
    master = stack.part(part).pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text()
    return [master or 0, *map(int, children.split())]


def peak(pid: int) -> int:
    """Bytes of memory that a process ever held."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


@dataclass(frozen=True)
class Sweep:
    outcomes: list[Outcome]
    before: dict[str, list[int]]


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """Where the documents of the corpus want to be fetched from."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def sweep(home: Home, stack: Stack, logs: Logs, listener: socket.socket) -> Sweep:  # noqa: ARG001 (what is logged counts from here)
    """Every hostile file there is, and those made here, sent and asked for once."""
    before = {part: pool(stack, part) for part in POOLS}
    ours = f"127.0.0.1:{listener.getsockname()[1]}".encode()

    def sent(path: Path) -> Callable[[], bytes]:
        return lambda: path.read_bytes().replace(b"127.0.0.1:9", ours)

    files = {str(path.relative_to(CORPUS)): sent(path) for path in corpus_files("hostile")}
    files |= {f"refused/{name}": make for name, make in REFUSED.items()}
    files |= {f"bearable/{name}": make for name, make in BEARABLE.items()}
    with ThreadPoolExecutor(CLIENTS) as clients:
        return Sweep(list(clients.map(lambda item: travel(home, item[0], item[1](), SHAPES), files.items())), before)


def test_every_answer_is_a_clear_one(sweep: Sweep):
    for outcome in sweep.outcomes:
        assert outcome.upload.status_code in (200, 201, 413, 415, 422, 504), (outcome.name, outcome.upload.text)
        for answer in outcome.answers:
            assert answer.ok or is_problem(answer), (outcome.name, answer.text[:500])
        for shape, answer in outcome.pictures.items():
            assert answer.status_code in (200, 400, 422, 504), (outcome.name, shape, answer.text[:500])


def test_what_comes_out_is_a_small_clean_picture(sweep: Sweep):
    shown = 0
    for outcome in sweep.outcomes:
        for shape, answer in outcome.pictures.items():
            if not answer.ok:
                continue
            shown += 1
            assert answer.headers["Content-Type"] in FORMATS
            pixels = pyvips.Image.new_from_buffer(answer.content, "", fail_on="error")
            pixels.avg()
            side = re.match(r"w_(\d+)", shape)
            assert pixels.width <= (int(side[1]) if side else 8000), (outcome.name, shape)
            for mark in MARKS:
                assert mark not in answer.content, (outcome.name, shape, mark)
    assert shown > 0


@pytest.mark.parametrize("folder", ["truncated", "refused"])
def test_what_is_not_whole_is_not_taken(sweep: Sweep, folder: str):
    there = [outcome for outcome in sweep.outcomes if outcome.name.rsplit("/", 2)[-2] == folder]
    assert [outcome.name for outcome in there if outcome.upload.status_code not in (415, 422)] == []
    assert there


def test_of_a_refused_upload_nothing_stays(
    sweep: Sweep, home: Home, stack: Stack, rows: Callable[..., list[tuple[Any, ...]]]
):
    taken = {outcome.upload.json()["id"] for outcome in sweep.outcomes if outcome.upload.ok}
    versions = rows(
        """SELECT v.key, v.state FROM asset_versions v JOIN assets a ON a.id = v.asset_id
        JOIN spaces s ON s.id = a.space_id JOIN organizations o ON o.id = s.organization_id WHERE o.slug = %s""",
        home.organization,
    )
    assert len(versions) == len(taken)
    assert {state for _, state in versions} == {"ready"}
    assert stored_objects(stack, home, rows) == {key for key, _ in versions}
    spool = stack.folder / "spool"
    assert [path for path in spool.rglob("uploads/*") if path.is_file()] == []


@pytest.mark.parametrize("part", POOLS)
def test_the_renderers_are_all_there(sweep: Sweep, stack: Stack, part: str):
    master, *workers = sweep.before[part]
    until(lambda: len(pool(stack, part)) == 1 + len(workers))
    assert pool(stack, part)[0] == master
    assert workers
    assert requests.get(f"{stack.base_url}/readyz").status_code == 200
    for pid in pool(stack, part):
        assert peak(pid) < ENOUGH


@pytest.mark.usefixtures("sweep")
def test_nothing_is_fetched_for_a_document(listener: socket.socket):
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.usefixtures("sweep")
def test_no_part_lost_its_head(logs: Logs):
    assert '"defect"' not in logs.text
    assert "Traceback" not in logs.text
    assert '"job_failed"' not in logs.text


def test_every_photograph_is_taken_and_shown(home: Home):
    shapes = ["w_500-fmt_auto.jpg", "w_100-h_100-g_attention.png"]
    files = corpus_files("photos")
    with ThreadPoolExecutor(CLIENTS) as clients:
        outcomes = list(clients.map(lambda path: travel(home, path.name, path.read_bytes(), shapes), files))
    for outcome in outcomes:
        if Path(outcome.name).suffix not in COVERED and outcome.upload.status_code == 415:
            continue  # of a format that needs an isolated decoder, and none is enabled
        assert [answer.status_code for answer in outcome.answers if not answer.ok] == [], outcome.name
        assert len(outcome.pictures) == len(shapes)
