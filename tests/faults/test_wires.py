"""What lies between the parts is slow, mute or breaks: the same as if the part behind it were away, and no worse."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress

import pytest
import pyvips
import redis
import requests
from urllib3.exceptions import HTTPError

from mezzotint.plugins.storages.minio import MinIO
from mezzotint.standalone.settings_file import dump
from mezzotint.standalone.stores import NAMES, REMEMBERED
from tests.faults import wire
from tests.faults.asked import Asked, as_without, outcome, until_told_of
from tests.faults.inventory import until_settled
from tests.faults.shop import Shop, opened, sha256
from tests.faults.wire import Manner, Wire
from tests.journeys.conftest import picture
from tests.journeys.waiting import until
from tests.servers import minio
from tests.servers.installation import Installation, free_port, unprivileged
from tests.servers.s3 import S3Server

BAD: dict[str, dict[str, Manner]] = {
    "slow": {"answering": wire.later(6.0)},  # longer than anybody waits for
    "mute": {"asking": wire.never},
    "breaking": {"answering": wire.breaking},
}
DEADLINE, TIMEOUT = 8.0, 3.0
"""seconds for a picture and for the store's next word: shorter than by default, since they are waited for here"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with minio.serving(S3Server(), tmp_path_factory.mktemp("minio")) as server:
        MinIO(**server.options("pictures")).check()  # which makes the bucket
        yield server


@pytest.fixture(scope="module")
def bucket(server: S3Server) -> MinIO:
    """By no wire."""
    return MinIO(**server.options("pictures"))


@pytest.fixture(scope="module")
def wired(server: S3Server) -> Iterator[tuple[Shop, dict[str, Wire]]]:
    """A shop whose pictures are in the bucket, and a wire to each of its servers."""
    with ExitStack() as stack:
        to_store, port = stack.enter_context(wire.in_front_of(int(server.endpoint.rpartition(":")[2])))
        installation = Installation(port=free_port(), environment={"MEZZOTINT_RENDERERS__DEADLINE": str(DEADLINE)})
        options = server.options("pictures") | {"kind": "minio", "endpoint": f"127.0.0.1:{port}", "timeout": TIMEOUT}
        installation.folder.mkdir()
        remembered = installation.folder / REMEMBERED
        remembered.write_text(dump({name: options | {"prefix": name} for name in NAMES}))
        if user := unprivileged():
            for path in (installation.folder, remembered):
                os.chown(path, user.pw_uid, user.pw_gid)
        shop = stack.enter_context(opened(installation))
        run = installation.folder / "run"
        to_redis = stack.enter_context(wire.in_place_of(run / "redis.sock"))
        to_postgres = stack.enter_context(wire.in_place_of(run / ".s.PGSQL.5432"))
        with shop.database() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'mezzotint-%'"
            )
        with closing(redis.Redis.from_url(shop.settings["redis"]["url"])) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        shop.healed()
        yield shop, {"redis": to_redis, "postgres": to_postgres, "bucket": to_store}


@pytest.fixture(scope="module")
def shop(wired: tuple[Shop, dict[str, Wire]]) -> Shop:
    return wired[0]


@pytest.fixture(scope="module")
def wires(wired: tuple[Shop, dict[str, Wire]]) -> dict[str, Wire]:
    return wired[1]


@pytest.mark.parametrize("part", ["redis", "postgres", "bucket"])
def test_a_little_slowness_opens_no_breaker(shop: Shop, wires: dict[str, Wire], asked: Asked, part: str):
    with wires[part].bad(answering=wire.later(0.05)):
        assert {said for _, said in asked.everything()} == {"answered"}
        shop.healed()


@pytest.mark.parametrize("part", ["redis", "postgres", "bucket"])
def test_connections_that_broke_are_replaced_and_nobody_notices(wires: dict[str, Wire], asked: Asked, part: str):
    for _ in range(3):
        assert {said for _, said in asked.everything()} == {"answered"}
        wires[part].cut()
    assert {said for _, said in asked.everything()} == {"answered"}


@pytest.mark.parametrize(
    ("part", "how"),
    [*itertools.product(("redis", "postgres"), ("slow", "breaking")), ("bucket", "mute"), ("bucket", "breaking")],
)
def test_behind_a_bad_wire_a_part_is_as_good_as_away(
    shop: Shop, wires: dict[str, Wire], asked: Asked, part: str, how: str
):
    with wires[part].bad(**BAD[how]):
        as_without(part, asked)
        until_told_of(part, shop)
        as_without(part, asked)
    shop.healed()
    asked.until_well()


def test_a_breaker_opens_and_half_opens_and_closes_and_says_so(shop: Shop, wires: dict[str, Wire]):
    seen: set[str] = set()

    def look() -> set[str]:
        with ThreadPoolExecutor(4) as clients:  # one of them is let through, and the others hear so
            for parts in clients.map(lambda _: shop.parts(), range(4)):
                seen.add(parts["redis"]["breaker"])
        return seen

    assert look() == {"closed"}
    with wires["redis"].bad(**BAD["mute"]):
        until(lambda: look() == {"closed", "open", "half-open"})
    shop.healed()
    seen.clear()
    assert look() == {"closed"}


def test_an_original_that_comes_in_drops_holds_nobody_up(shop: Shop, wires: dict[str, Wire], asked: Asked):
    large = pyvips.Image.new_from_buffer(picture(1200, 900, seed=1), "").pngsave_buffer(compression=0)
    asset = shop.home.upload(large, "large.png").json()
    near = shop.installation.folder / "spool/sources"
    before = set(near.iterdir())
    drops = wire.in_drops(1024, 0.1)  # it would take minutes
    with ThreadPoolExecutor(1) as client, wires["bucket"].bad(answering=drops):
        dripping = client.submit(shop.get, shop.home.url(asset, "w_20.jpg"))
        until(lambda: set(near.iterdir()) - before)
        assert {said for _, said in asked.everything()} == {"answered"}
        # Nor does it hold whoever asks for it longer than a picture may take.
        assert outcome(dripping.result()).startswith("unavailable: the store")
    assert shop.get(shop.home.url(asset, "w_20.jpg")).status_code == 200


def test_a_picture_that_breaks_off_on_its_way_is_never_served_in_part(shop: Shop, wires: dict[str, Wire]):
    url = shop.home.url(shop.asset(seed=2), "w_900-h_900-f_cover-up.png")
    made = shop.origin(url)
    assert made.status == 200
    assert len(made.body) > 500_000
    with wires["bucket"].bad(answering=wire.in_drops(8192, 0.1)):
        answer = shop.get(url, stream=True)
        body = answer.raw.read(10_000)
        wires["bucket"].cut()
        with suppress(requests.RequestException, HTTPError):
            body += answer.raw.read()
    assert body != made.body
    answer = shop.get(url)
    assert (answer.headers["X-Cache"], answer.content == made.body) == ("MISS", True)
    until(lambda: shop.get(url).headers["X-Cache"] == "HIT")  # kept just after its last byte has gone out
    assert shop.get(url).content == made.body


def test_an_upload_that_the_bucket_took_and_could_not_say_so_is_not_there_and_leaves_nothing(
    shop: Shop, wires: dict[str, Wire], bucket: MinIO
):
    data, before = picture(64, 48, seed=3), {found.key for found in bucket.list("originals/")}

    async def last(_: bytes) -> AsyncIterator[bytes]:
        """The first answer is lost, and nothing is heard there any more."""
        wires["bucket"].asking = wire.never
        for nothing in ():
            yield nothing

    with wires["bucket"].bad(answering=last):
        assert outcome(shop.home.upload(data)).startswith("unavailable: the store")
        assert len({found.key for found in bucket.list("originals/")} - before) == 1
    shop.healed()
    again = shop.home.upload(data)
    assert again.status_code == 201
    signed = shop.home.sign(shop.home.url(again.json(), "original.jpg", "priv"))
    assert sha256(shop.get(signed).content) == sha256(data)
    until_settled(shop)
