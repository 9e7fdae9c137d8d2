"""What nobody waits for never stands in the way of what somebody does."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mezzotint.imaging.client import MezzanineJob
from mezzotint.model.errors import Overloaded
from tests.imaging.pictures import noise, open_bytes
from tests.imaging.pool import PATIENCE, Pool, render_job, until


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    noise(3600, 1200).jpegsave(str(path))
    return path


def test_requests_pass_a_line_of_background_work(start_pool: Callable[..., Pool], photo: Path) -> None:
    pool = start_pool(workers=1, background=1, queue=2, queue_per_tenant=2)
    slow = render_job(photo, "w_1600", "avif", background=True, thorough=True)  # seconds of work
    with ThreadPoolExecutor(4) as callers:
        background = [callers.submit(pool.client.render, slow)]
        until(lambda: pool.client.ping().busy == 1)
        background += [callers.submit(pool.client.render, slow) for _ in range(2)]
        for width in range(50, 60):
            assert pool.client.render(render_job(photo, f"w_{width}", tenant="a")).width == width
        assert not background[-1].done()
        pool.process.kill()  # nobody waits for the rest
        assert background[-1].exception(PATIENCE)


def test_background_work_is_done(start_pool: Callable[..., Pool], photo: Path) -> None:
    pool = start_pool(workers=1, background=1)
    until(lambda: sorted(map(os.sched_getscheduler, pool.workers)) == [os.SCHED_OTHER, os.SCHED_IDLE])
    made = pool.client.mezzanine(MezzanineJob(photo, "tenant", PATIENCE, 50_000_000))
    assert (open_bytes(made.data).width, made.format) == (2048, "jpg")
    usual = pool.client.render(render_job(photo, "w_200", background=True))
    better = pool.client.render(render_job(photo, "w_200", background=True, thorough=True))
    assert len(better.data) < len(usual.data)


def test_a_pool_without_background_renderers_takes_none(start_pool: Callable[..., Pool], photo: Path) -> None:
    pool = start_pool(workers=1, background=0)
    with pytest.raises(Overloaded):
        pool.client.render(render_job(photo, background=True))
