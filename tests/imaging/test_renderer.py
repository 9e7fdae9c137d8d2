"""The pool: what it survives, whom it refuses, who goes first."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mezzotint.breaker import FAILURES, State
from mezzotint.imaging import pool as pool_client
from mezzotint.imaging import wire
from mezzotint.imaging.client import BREAKDOWNS, Rendered, RendererDied, Renderers, RendererStopped
from mezzotint.imaging.decoded import PIXELS_BYTES
from mezzotint.imaging.jobs import facts_of
from mezzotint.imaging.pool import Pool as PoolClient
from mezzotint.model.errors import (
    InternalError,
    OutputTooLarge,
    Overloaded,
    PictureRefused,
    RenderTimeout,
    Unavailable,
    UnsupportedType,
)
from tests.hostile.crafted import strange_words
from tests.imaging.mischief.decoders.stuck import STUCK
from tests.imaging.pictures import gradient, noise, open_bytes
from tests.imaging.pool import PATIENCE, Pool, given_time, inspect_job, render_job, until

StartPool = Callable[..., Pool]


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    noise(600, 400).jpegsave(str(path))
    return path


class Stuck:
    """A file that hangs whoever reads it until `release`; then it turns out to be no picture."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(STUCK)

    def release(self) -> None:
        self.path.write_bytes(b"freed")


@pytest.fixture
def stuck(tmp_path: Path) -> Stuck:
    return Stuck(tmp_path / "stuck")


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as threads:
        yield threads


@pytest.fixture
def heard_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers hear what the master says, however late after their job's deadline the machine lets it speak."""
    monkeypatch.setattr(pool_client, "_SLACK", PATIENCE)


def busy(pool: Pool, number: int) -> Callable[[], bool]:
    return lambda: pool.client.ping().busy == number


def queued(pool: Pool, number: int) -> Callable[[], bool]:
    return lambda: pool.client.ping().queued == number


def begun(renderer: int, file: Path) -> bool:
    """Whether the renderer has read of the file: one that dies before is not asked for, and its job goes to another."""
    process = Path(f"/proc/{renderer}")
    held = [each.name for each in (process / "fd").iterdir() if each.readlink() == file]
    return any("pos:\t0\n" not in (process / "fdinfo" / name).read_text() for name in held)


def tenants_done(pool: Pool) -> list[str]:
    """The tenants of the jobs that were run, in order."""
    return [event["tenant"] for event in pool.events() if event["event"] == "job_done"]


def test_renders(pool: Pool, photo: Path) -> None:
    rendered = pool.client.render(render_job(photo, "w_100-h_50", "webp"))
    assert (rendered.width, rendered.height, rendered.format, rendered.media_type) == (100, 50, "webp", "image/webp")
    assert open_bytes(rendered.data).width == 100
    assert rendered.cpu_ms > 0
    assert rendered.elapsed_ms > 0


def test_inspects(pool: Pool, photo: Path) -> None:
    facts = pool.client.inspect(inspect_job(photo))
    assert (facts.width, facts.height, facts.format) == (600, 400, "jpeg")


def test_says_how_it_is(pool: Pool) -> None:
    status = pool.client.ping()
    assert (status.workers, status.queued) == (2, 0)
    assert status.libvips.startswith("8.18.")


def test_refusals_reach_the_caller(pool: Pool, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "broken.jpg").write_bytes(photo.read_bytes()[:3000])
    with pytest.raises(UnsupportedType):
        pool.client.render(render_job(tmp_path / "text.jpg"))
    with pytest.raises(PictureRefused):
        pool.client.render(render_job(tmp_path / "broken.jpg"))
    with pytest.raises(PictureRefused):
        pool.client.inspect(inspect_job(tmp_path / "broken.jpg"))
    with pytest.raises(PictureRefused):
        pool.client.render(render_job(photo, max_pixels=600 * 400 - 1))
    with pytest.raises(OutputTooLarge):
        pool.client.render(render_job(photo, max_output_pixels=10))
    with pytest.raises(InternalError):
        pool.client.render(render_job(tmp_path / "missing.jpg"))
    assert pool.client.render(render_job(photo)).width == 100


def test_many_at_once(pool: Pool, photo: Path, callers: ThreadPoolExecutor) -> None:
    widths = [callers.submit(pool.client.render, render_job(photo, f"w_{width}")) for width in range(10, 40)]
    assert [future.result().width for future in widths] == list(range(10, 40))


def test_a_deadline_ends_a_stuck_job_and_the_next_works(pool: Pool, photo: Path, stuck: Stuck) -> None:
    for _ in range(3):
        with pytest.raises(RenderTimeout):
            given_time(lambda seconds: pool.client.render(render_job(stuck.path, deadline=seconds)), 0.2)
    assert pool.client.render(render_job(photo)).width == 100


def test_a_deadline_ends_a_codec_that_is_at_work(pool: Pool, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    gradient(6000, 6000).jpegsave(str(large))
    slow = partial(render_job, large, "flip-q_100", "avif", thorough=True)  # more than it ever has time for
    with pytest.raises(RenderTimeout):
        given_time(lambda seconds: pool.client.render(slow(deadline=seconds)), 0.5, most=28.0)
    until(busy(pool, 0))


@pytest.mark.usefixtures("heard_out")
def test_what_ends_about_its_deadline_is_answered_or_stopped_and_never_cut(pool: Pool, photo: Path) -> None:
    for milliseconds in range(2, 42):
        with contextlib.suppress(RendererStopped, Overloaded):
            assert pool.client.render(render_job(photo, "w_300", "webp", deadline=milliseconds / 1000)).width == 300
    assert pool.client.breaker.state is State.CLOSED


def test_a_deadline_holds_while_the_master_hangs(start_pool: StartPool, stuck: Stuck) -> None:
    pool = start_pool(workers=1)
    (renderer,) = pool.workers
    with ThreadPoolExecutor(1) as thread:
        doomed = thread.submit(pool.client.render, render_job(stuck.path, deadline=1.0))
        until(busy(pool, 1))
        os.kill(pool.process.pid, signal.SIGSTOP)
        until(lambda: ") Z " in Path(f"/proc/{renderer}/stat").read_text())
        os.kill(pool.process.pid, signal.SIGCONT)
        with pytest.raises((RenderTimeout, Overloaded)):  # nobody looked whether it slept
            doomed.result()


def test_an_answer_that_is_ready_in_time_may_be_taken_later(start_pool: StartPool, tmp_path: Path) -> None:
    pool = start_pool(workers=1)
    source = tmp_path / "noise.png"
    noise(1500, 1500).pngsave(str(source))
    for seconds in (1, 2, 3):  # the fewer it has, the more are left to take it
        expires = time.monotonic() + seconds
        with connected(pool, job(operations="flip", ext="png", deadline=seconds, expires=expires), source) as caller:
            until(lambda caller=caller: bool(select.select([caller], [], [], 0)[0]))
            # Beyond its deadline and the grace, and less than it takes to be given up.
            time.sleep(max(0.0, expires + 1 - time.monotonic()))
            facts, data = wire.receive(caller)
        if "error" not in facts:  # else the machine had no time for it
            break
    assert facts["width"] == 1500
    assert open_bytes(data).width == 1500


def test_a_full_queue_refuses_at_once(
    start_pool: StartPool, photo: Path, stuck: Stuck, callers: ThreadPoolExecutor
) -> None:
    pool = start_pool(workers=1, queue=3, queue_per_tenant=2)
    first = callers.submit(pool.client.render, render_job(stuck.path, tenant="a"))
    until(busy(pool, 1))
    waiting = [callers.submit(pool.client.render, render_job(photo, tenant="a")) for _ in range(2)]
    until(queued(pool, 2))
    with pytest.raises(Overloaded) as refusal:
        pool.client.render(render_job(photo, tenant="a"))
    assert (refusal.value.retry_after, refusal.value.full) == (1, True)
    waiting.append(callers.submit(pool.client.render, render_job(photo, tenant="b")))
    until(queued(pool, 3))
    with pytest.raises(Overloaded) as refusal:
        pool.client.render(render_job(photo, tenant="c"))
    assert not refusal.value.full, "others have taken the places"
    stuck.release()
    assert [future.result().width for future in waiting] == [100, 100, 100]
    with pytest.raises(UnsupportedType):
        first.result()


def test_a_full_tenant_is_remembered_for_a_moment(
    start_pool: StartPool, photo: Path, stuck: Stuck, callers: ThreadPoolExecutor
) -> None:
    pool = start_pool(workers=1, queue_per_tenant=1)

    def has_room(tenant: str) -> bool:
        with contextlib.suppress(Overloaded):
            pool.client.check_room(tenant)
            return True
        return False

    def refused() -> bool:
        with pytest.raises(Overloaded):
            pool.client.render(render_job(photo))
        return not has_room("a")

    first = callers.submit(pool.client.render, render_job(stuck.path))
    until(busy(pool, 1))
    waiting = callers.submit(pool.client.render, render_job(photo))
    until(queued(pool, 1))
    assert has_room("a")
    until(refused)
    assert has_room("b")
    until(lambda: has_room("a"))
    stuck.release()
    assert waiting.result().width == 100
    with pytest.raises(UnsupportedType):
        first.result()


def test_tenants_take_turns(start_pool: StartPool, photo: Path, stuck: Stuck, callers: ThreadPoolExecutor) -> None:
    pool = start_pool(workers=1)
    first = callers.submit(pool.client.render, render_job(stuck.path))
    until(busy(pool, 1))
    futures: list[Future[Rendered]] = []
    for tenant in ["flood"] * 8 + ["quiet"]:
        futures.append(callers.submit(pool.client.render, render_job(photo, tenant=tenant)))
        until(queued(pool, len(futures)))
    stuck.release()
    for future in futures:
        future.result()
    with pytest.raises(UnsupportedType):
        first.result()
    until(lambda: len(tenants_done(pool)) == 10)
    assert tenants_done(pool)[1:] == ["flood", "quiet", *["flood"] * 7]


def test_a_killed_renderer_is_answered_for_and_replaced(
    start_pool: StartPool, photo: Path, stuck: Stuck, callers: ThreadPoolExecutor
) -> None:
    pool = start_pool(workers=1)
    doomed = callers.submit(pool.client.render, render_job(stuck.path))
    until(busy(pool, 1))
    (victim,) = pool.workers
    until(lambda: begun(victim, stuck.path))
    os.kill(victim, signal.SIGKILL)
    with pytest.raises(RendererDied):
        doomed.result()
    assert pool.client.render(render_job(photo)).width == 100
    assert victim not in pool.workers


def test_idle_renderers_that_die_are_replaced(start_pool: StartPool, photo: Path) -> None:
    pool = start_pool(workers=2)
    before = set(pool.workers)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert pool.client.render(render_job(photo)).width == 100
    until(lambda: len(pool.workers) == 2 and not before & set(pool.workers))


def test_renderers_leave_after_their_jobs(start_pool: StartPool, photo: Path) -> None:
    pool = start_pool(workers=1, recycle=2)
    seen = set()
    for _ in range(6):
        seen.update(pool.workers)
        assert pool.client.render(render_job(photo)).width == 100
    assert len(seen) >= 3
    assert not [event for event in pool.events() if event["event"] == "renderer_died"]


def test_jobs_of_callers_that_left_are_dropped_unrun(start_pool: StartPool, photo: Path, stuck: Stuck) -> None:
    pool = start_pool(workers=1)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(pool.client.render, render_job(stuck.path))
        until(busy(pool, 1))
        with connected(pool, job(tenant="gone"), photo):
            until(queued(pool, 1))
        until(queued(pool, 0))
        stuck.release()
        with pytest.raises(UnsupportedType):
            first.result()
    assert pool.client.render(render_job(photo, tenant="here")).width == 100
    until(lambda: len(tenants_done(pool)) == 2)
    assert tenants_done(pool) == ["a", "here"]


@pytest.mark.usefixtures("heard_out")
def test_jobs_that_waited_too_long_are_dropped_unrun(
    start_pool: StartPool, photo: Path, stuck: Stuck, callers: ThreadPoolExecutor
) -> None:
    pool = start_pool(workers=1)
    first = callers.submit(pool.client.render, render_job(stuck.path))
    until(busy(pool, 1))
    with pytest.raises(Overloaded, match="waited"):
        pool.client.render(render_job(photo, tenant="late", deadline=0.2))
    stuck.release()
    with pytest.raises(UnsupportedType):
        first.result()
    assert pool.client.render(render_job(photo, tenant="here")).width == 100
    until(lambda: len(tenants_done(pool)) == 2)
    assert tenants_done(pool) == ["a", "here"]


@pytest.mark.usefixtures("heard_out")
def test_what_had_half_of_its_time_taken_before_is_not_to_blame(pool: Pool, stuck: Stuck) -> None:
    client = PoolClient(pool.socket, "renderers")

    def ask(seconds: float, share: float) -> object:
        facts = facts_of(render_job(stuck.path, deadline=seconds))
        with stuck.path.open("rb") as source:
            return client.ask("render", facts, seconds * share, [source])

    with pytest.raises(RendererStopped):
        given_time(lambda seconds: ask(seconds, 0.7), 1.0)
    with pytest.raises(Overloaded):
        ask(1.0, 0.3)


def test_what_the_machine_had_no_time_for_is_not_to_blame(start_pool: StartPool, photo: Path, tmp_path: Path) -> None:
    """Others take the processor: a picture that takes a while is then not said to break its renderer."""
    pool = start_pool(workers=1, nice=19)
    gradient(3000, 3000).jpegsave(str(tmp_path / "large.jpg"))
    assert pool.client.render(render_job(photo)).width == 100, "it is ready"
    (core, *_) = os.sched_getaffinity(0)
    (renderer,) = pool.workers
    os.sched_setaffinity(renderer, [core])
    hog = "import os; os.sched_setaffinity(0, [int(os.sys.argv[1])])\nprint(flush=True)\nwhile True: pass"
    command = [sys.executable, "-c", hog, str(core)]
    hogs = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    try:
        for process in hogs:
            assert process.stdout is not None
            process.stdout.readline()  # until it is at it
        with pytest.raises((Overloaded, RenderTimeout)) as refusal:
            pool.client.render(render_job(tmp_path / "large.jpg", "flip-q_100", "avif", deadline=1.0))
    finally:
        for process in hogs:
            process.kill()
            process.communicate()
    assert not isinstance(refusal.value, BREAKDOWNS)


def job(**changes: Any) -> bytes:
    header: dict[str, Any] = {"kind": "render", "operations": "w_100", "ext": "jpg", "tenant": "a", "deadline": 30}
    header |= {"max_pixels": 10**7, "max_output_pixels": 10**7, "expires": time.monotonic() + 30}
    return wire.pack(header | changes)


@contextlib.contextmanager
def connected(pool: Pool, data: bytes, source: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection, source.open("rb") as file:
        connection.settimeout(30)
        connection.connect(str(pool.socket))
        if data:
            socket.send_fds(connection, [data], [file.fileno()])
        yield connection


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.0\r\n\r\n", bytes(8), wire.pack({}), wire.pack({"kind": "render"}),
        wire.pack({"kind": "ping"}, 5),
        wire.LENGTHS.pack(4, 0) + b"nul]", wire.pack({"kind": "render", "tenant": "a", "expires": "soon"}),
        wire.pack({"kind": "dance", "tenant": "a", "expires": 1e12}),
        wire.pack({"kind": "render", "tenant": "a", "expires": 1e12, "deadline": 0}),
    ],
)  # fmt: skip
def test_nonsense_is_refused(pool: Pool, photo: Path, data: bytes) -> None:
    with connected(pool, data, photo) as connection:
        answer, _ = wire.receive(connection)
        assert answer["error"] == "internal_error"
    assert pool.client.render(render_job(photo)).width == 100


def test_half_a_job_holds_nothing(pool: Pool, photo: Path) -> None:
    with connected(pool, job()[:20], photo), connected(pool, b"", photo):
        assert pool.client.render(render_job(photo)).width == 100


def test_a_caller_that_does_not_read_does_not_keep_its_renderer(start_pool: StartPool, tmp_path: Path) -> None:
    pool = start_pool(workers=1)
    source = tmp_path / "noise.png"
    noise(1500, 1500).pngsave(str(source))
    expires = time.monotonic() + 600
    with connected(pool, job(operations="flip", ext="png", deadline=600, expires=expires), source):
        until(busy(pool, 1))
        assert pool.client.render(render_job(source, "w_10")).width == 10

    def outcomes() -> list[str]:
        return [event["outcome"] for event in pool.events() if event["event"] == "job_done"]

    until(lambda: len(outcomes()) == 2)  # the last one is told of after its caller has its answer
    assert outcomes() == ["caller_gone", "ok"]


def test_a_job_without_its_file_is_refused(pool: Pool) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(pool.socket))
        connection.sendall(job())
        assert wire.receive(connection)[0]["error"] == "internal_error"


def test_no_pool_is_unavailable(tmp_path: Path, photo: Path) -> None:
    pool = Pool(tmp_path)
    with pytest.raises(Unavailable):
        pool.client.ping()
    with pytest.raises(Unavailable):
        pool.client.render(render_job(photo))


def test_a_pool_that_hangs_is_found_out_without_waiting_for_a_job(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_client, "_PING_SECONDS", 0.5)
    pool = Pool(tmp_path)
    pool.client.breaker._pause = 3600.0  # nobody tries again before all is seen
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(pool.socket))
        listener.listen()
        for _ in range(FAILURES):
            with pytest.raises(Unavailable, match="renderers"):
                pool.client.render(render_job(photo, deadline=1000))
        assert pool.client.breaker.state is State.OPEN
        waiting = select.select([listener], [], [], 0)[0]
        while waiting:
            listener.accept()[0].close()
            waiting = select.select([listener], [], [], 0)[0]
        with pytest.raises(Unavailable, match="renderers"):
            pool.client.render(render_job(photo))
        assert not select.select([listener], [], [], 0)[0], "nobody even knocked"


def test_who_waits_asks_for_a_sign_of_life_only_when_nobody_has_heard_one(
    pool: Pool, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, pings = PoolClient(pool.socket, "renderers"), []
    with photo.open("rb") as source:
        client.ask("render", facts_of(render_job(photo)), PATIENCE, [source])
    monkeypatch.setattr(client, "_ping", lambda: pings.append("ping"))
    for silence, asked in ((3600.0, 0), (0.0, 1)):
        monkeypatch.setattr(pool_client, "_SILENCE_SECONDS", silence)
        client._look_alive()
        assert len(pings) == asked


def test_a_long_job_in_a_pool_that_is_back_keeps_nobody_out(
    start_pool: StartPool, photo: Path, stuck: Stuck, callers: ThreadPoolExecutor
) -> None:
    pool = start_pool(workers=2)
    client = Renderers(pool.socket)
    aside = pool.socket.rename(pool.socket.with_suffix(".aside"))
    for _ in range(FAILURES):
        with pytest.raises(Unavailable):
            client.render(render_job(photo))
    aside.rename(pool.socket)
    until(lambda: client.breaker.state is State.HALF_OPEN)
    working = callers.submit(client.render, render_job(stuck.path))
    until(busy(pool, 1))
    assert client.render(render_job(photo)).width == 100
    stuck.release()
    with pytest.raises(UnsupportedType):
        working.result()


def test_stops_cleanly_and_lets_the_job_at_work_finish(
    start_pool: StartPool, photo: Path, stuck: Stuck, callers: ThreadPoolExecutor
) -> None:
    pool = start_pool(workers=1)
    working = callers.submit(pool.client.render, render_job(stuck.path))
    until(busy(pool, 1))
    waiting = callers.submit(pool.client.render, render_job(photo))
    until(queued(pool, 1))
    workers = pool.workers
    pool.process.send_signal(signal.SIGTERM)
    for refused in (waiting, callers.submit(pool.client.render, render_job(photo))):
        with pytest.raises(Unavailable, match="being stopped"):
            refused.result()
    # Whoever waits for the job at work asks meanwhile whether anybody is there.
    assert pool.client.ping().busy == 1
    stuck.release()
    with pytest.raises(UnsupportedType):
        working.result()
    assert pool.process.wait(30) == 0
    assert not pool.socket.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_renderers_end_with_their_master(start_pool: StartPool) -> None:
    pool = start_pool(workers=2)
    workers = pool.workers
    pool.process.kill()
    until(lambda: not any(_alive(pid) for pid in workers))


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_renderers_stand_back(start_pool: Callable[..., Pool]) -> None:
    pool = start_pool(workers=1, background=1, nice=7)
    until(lambda: len(pool.workers) == 2)
    until(lambda: {os.getpriority(os.PRIO_PROCESS, pid) for pid in pool.workers} == {7})
    until(lambda: sorted(map(os.sched_getscheduler, pool.workers)) == [os.SCHED_OTHER, os.SCHED_IDLE])


def test_renderers_are_bounded(pool: Pool) -> None:
    until(pool.sealed)
    for pid in pool.workers:
        limits = Path(f"/proc/{pid}/limits").read_text()
        bounds = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
        assert bounds["Max file size"] == str(PIXELS_BYTES)
        assert bounds["Max core file size"] == "0"
        assert bounds["Max address space"] == str(3 << 30)
        assert bounds["Max open files"] == "256"


def test_processor_time_is_bounded_for_all_threads_together(start_pool: StartPool, photo: Path) -> None:
    def spin(cpu_seconds: float) -> Pool:
        pool = start_pool(workers=1, cpu_seconds=cpu_seconds)
        with pytest.raises(RendererStopped):
            pool.client.render(render_job(photo, "mischief_spin_in_threads"))
        return pool

    pool = given_time(spin, 0.3, most=6.0)
    codes = [event["code"] for event in pool.events() if event["event"] == "renderer_died"]
    assert codes == [-signal.SIGPROF], "it was not its deadline that ended it"
    assert pool.client.render(render_job(photo)).width == 100


def test_memory_a_picture_may_not_have_is_refused(start_pool: StartPool, tmp_path: Path, photo: Path) -> None:
    pool = start_pool(workers=1, memory_bytes=250 << 20)
    gradient(6500, 6500).colourspace("rgb16").pngsave(str(tmp_path / "large.png"), compression=1)
    with pytest.raises((PictureRefused, RendererDied)):
        pool.client.render(render_job(tmp_path / "large.png", "r_90", "png"))
    assert pool.client.render(render_job(photo)).width == 100


def test_words_that_are_no_text_spoil_no_later_picture(start_pool: StartPool, tmp_path: Path, photo: Path) -> None:
    """libvips quotes the file as it complains, in bytes that pyvips can't read and would leave lying."""
    (tmp_path / "words.avif").write_bytes(strange_words())
    pool = start_pool(workers=1)
    with pytest.raises(PictureRefused):
        pool.client.inspect(inspect_job(tmp_path / "words.avif"))
    assert pool.client.inspect(inspect_job(photo)).format == "jpeg"
    assert pool.client.render(render_job(photo, "w_90-r_10-blur_2", "png")).width > 0


def test_works_under_gevent(pool: Pool, photo: Path) -> None:
    script = """
from gevent import monkey; monkey.patch_all()
import gevent, sys
from pathlib import Path
from mezzotint.imaging.client import Renderers
from tests.imaging.pool import render_job
client = Renderers(Path(sys.argv[1]))
def ask(width):
    return client.render(render_job(Path(sys.argv[2]), f"w_{width}")).width
print(*[job.get() for job in [gevent.spawn(ask, width) for width in (10, 20, 30)]])
"""
    found = subprocess.run(
        [sys.executable, "-c", script, str(pool.socket), str(photo)], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["10", "20", "30"]


def test_the_file_that_came_is_the_file_that_is_read(pool: Pool, tmp_path: Path) -> None:
    """No cache between jobs: a path whose content changed shows the new content."""
    source = tmp_path / "changing.png"
    widths = []
    for width in (30, 50):
        gradient(width, 20).pngsave(str(source))
        widths.extend(pool.client.render(render_job(source, "flip", "png")).width for _ in range(4))
    assert widths == [30] * 4 + [50] * 4


def test_threads_of_one_client_do_not_mix_answers(pool: Pool, photo: Path) -> None:
    wrong: list[int] = []

    def ask(width: int) -> None:
        answers = [pool.client.render(render_job(photo, f"w_{width}")).width for _ in range(5)]
        wrong.extend(answer for answer in answers if answer != width)

    threads = [threading.Thread(target=ask, args=(width,)) for width in range(20, 28)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
