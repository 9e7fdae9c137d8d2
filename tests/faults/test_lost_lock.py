"""Two processes that want one variant: with the lock it is made once; without, twice, and kept once."""

import itertools
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from mezzotint import settings, wiring
from mezzotint.imaging.client import Renderers
from mezzotint.model.identifiers import to_ulid
from mezzotint.services import variants
from mezzotint.services.deliver import Answer, Asked, Opened
from mezzotint.services.verify import Arguments
from tests.faults.shop import family, stopped
from tests.journeys.conftest import picture
from tests.journeys.waiting import until
from tests.servers.house import running_settings
from tests.servers.installation import Installation
from tests.servers.places import OPERATOR, settle

_widths = itertools.count(30)


class Two:
    """Two houses over the same servers, as two of the origin's processes are, and a picture to make variants of."""

    def __init__(self, path: Path, installation: Installation) -> None:
        self.redis = installation
        # A machine that stands still for some seconds is no Redis that is away.
        self.houses = [wiring.build(settings.load(path, {"MEZZOTINT_REDIS__TIMEOUT": "30"})) for _ in range(2)]
        house = self.houses[0]
        names = settle(house)
        data = picture(200, 100, seed=9000)
        with house.spool.receive() as incoming:
            incoming.write(data, limit=len(data))
            asset = house.ingest.add(OPERATOR, incoming.received, "p.jpg", **names.fields).located.asset
        self.base = f"/v1/pub/{names.path}/img/{to_ulid(asset.id)}/v1"
        socket = settings.load(path, {}).renderers.socket
        self.pool = Renderers(socket)
        self.renderers = [
            pid
            for pid in family(os.getpid())
            if str(socket) in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        ][1:]

    def answer(self, number: int, url: str) -> tuple[str, Answer]:
        answer = self.houses[number].deliver.answer(
            Asked(url, "localhost", Arguments(sig=None, exp=None, kid=None), "base")
        )
        if isinstance(answer.body, Opened):
            answer.body.stream.read()
            answer.body.close()
        return answer.content_hash, answer

    def under_way(self) -> int:
        status = self.pool.ping()
        return status.busy + status.queued

    def open_lock(self) -> int:
        """Take the lock away from who holds it; how many there were."""
        with closing(Redis.from_url(self.redis.settings()["redis"]["url"])) as client:
            return sum(client.delete(key) for key in client.scan_iter("*:making:*"))

    def rows(self, content_hash: str) -> int:
        with self.houses[0].database.operator() as tx:
            row = tx.one("SELECT count(*) AS n FROM variants WHERE content_hash = %(hash)s", hash=content_hash)
        return int(row["n"])

    def objects(self, content_hash: str) -> int:
        return sum(content_hash[:16] in each.key for each in self.houses[0].stores["variants"].list())


@pytest.fixture(scope="module")
def two(postgres, tmp_path_factory) -> Iterator[Two]:
    with (
        Installation(only=["redis"]) as installation,
        running_settings(postgres, installation.settings()["redis"]["url"], tmp_path_factory.mktemp("two")) as path,
    ):
        two = Two(path, installation)
        yield two
        for house in two.houses:
            house.database.close()


@pytest.mark.parametrize("lost", ["nothing", "the lock", "Redis"])
def test_losing_the_lock_can_make_a_picture_twice_and_nothing_else(
    two: Two, lost: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(variants, "LOCK_SECONDS", 600.0)  # it is lost here only when it is taken away
    url = f"{two.base}/w_{next(_widths)}.png"
    assert two.redis.process is not None
    with ThreadPoolExecutor(2) as callers:
        try:
            with stopped(two.renderers):
                first = callers.submit(two.answer, 0, url)
                until(lambda: two.under_way() == 1)
                second = callers.submit(two.answer, 1, url)
                if lost == "the lock":  # as when its holder stood still for longer than it lasts
                    until(two.open_lock)
                elif lost == "Redis":
                    two.redis.process.send_signal(signal.SIGSTOP)
                    two.redis.part("redis").kill()
                if lost != "nothing":
                    until(lambda: two.under_way() == 2)
            (one, _), (other, answer) = first.result(), second.result()
        finally:
            two.redis.process.send_signal(signal.SIGCONT)
    assert one == other
    assert two.rows(one) == two.objects(one) == 1
    assert isinstance(answer.body, Opened) is (lost == "nothing"), "made by the other and found, or made here"
    until(lambda: two.redis.part("redis").ready)
