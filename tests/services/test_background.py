"""What is done in the background, each kind of job against real stores, rows and renderers."""

import hashlib
import io
import json
import os
import re
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pyvips

from mezzotint.data import assets, objects, usage, variants
from mezzotint.model.asset import Access, SourceKind, State
from mezzotint.model.errors import NotFound, Unavailable
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.model.variant import CacheTier
from mezzotint.plugin_api import StoreUnavailable
from mezzotint.services.deliver import Asked
from mezzotint.services.edge_log import EdgeLog
from mezzotint.services.reach import find_place
from mezzotint.services.verify import Arguments
from tests.imaging.pictures import noise
from tests.servers.places import OPERATOR, tenant_of


@pytest.fixture(scope="module")
def large() -> bytes:
    """A JPEG that deserves a mezzanine."""
    return noise(3600, 2401).jpegsave_buffer(Q=90)


@pytest.fixture
def send(house):
    def send(place, data: bytes, name: str = "large.jpg", **fields):
        with house.spool.receive() as incoming:
            incoming.write(data, limit=len(data))
            fields = place.fields | {"access": Access.PUBLIC} | fields
            return house.ingest.add(OPERATOR, incoming.received, name, **fields).located.asset

    return send


@pytest.fixture
def work_off(house):
    """Does all that is due."""

    def work_off() -> None:
        while house.work.one():
            pass

    return work_off


@pytest.fixture
def deliver(house):
    def deliver(place, asset, operations: str, ext: str = "jpg"):
        path = f"/v1/pub/{place.path}/img/{to_ulid(asset.id)}/v{asset.version.number}/{operations}.{ext}"
        house.publisher.drain()
        answer = house.deliver.answer(Asked(path, "localhost", Arguments(None, None, None), "base"))
        if isinstance(answer.body, bytes):
            return answer.body
        with closing(answer.body) as opened:
            return opened.stream.read()

    return deliver


def now(house, asset):
    with house.database.scoped(asset.scope) as tx:
        return assets.get(tx, asset.id, asset.version.number)


def rows(house, asset):
    with house.database.scoped(asset.scope) as tx:
        found = tx.rows("SELECT id FROM variants WHERE asset_id = %(asset)s ORDER BY id", asset=asset.id)
        return [variants.by_id(tx, row["id"]) for row in found]


# Mezzanines


def test_a_large_original_gets_a_mezzanine_and_its_variants_come_from_that(
    house, place, large, send, work_off, deliver
):
    direct = send(place, large)
    assert now(house, direct).version.mezzanine is None
    first = pyvips.Image.new_from_buffer(deliver(place, direct, "w_600-h_400"), "")
    work_off()
    kept = now(house, direct).version.mezzanine
    mezzanine = pyvips.Image.new_from_buffer(house.stores[kept.store].get(kept.key), "")
    assert (mezzanine.width, mezzanine.height) == (2048, 1366)

    # From here on the original is not read any more: it may as well be gone.
    house.stores["originals"].delete(direct.version.key)
    second = pyvips.Image.new_from_buffer(deliver(place, direct, "w_600-h_400-q_84"), "")
    assert (second.width, second.height) == (first.width, first.height)
    assert (first - second).abs().avg() < 4
    with pytest.raises(NotFound):
        deliver(place, direct, "w_2000")  # too large for the mezzanine


def test_a_mezzanine_that_is_lost_is_made_again(house, place, large, send, work_off, deliver):
    asset = send(place, large)
    work_off()
    lost = now(house, asset).version.mezzanine
    house.stores[lost.store].delete(lost.key)
    deliver(place, asset, "w_300")
    work_off()
    assert house.stores[lost.store].exists(now(house, asset).version.mezzanine.key)


@pytest.mark.parametrize("kind", ["small", "lossless", "alpha"])
def test_others_have_no_mezzanine(house, place, send, work_off, kind):
    data = {
        "small": lambda: noise(2400, 200).jpegsave_buffer(),
        "lossless": lambda: noise(3600, 300).pngsave_buffer(),
        "alpha": lambda: noise(3600, 300).addalpha().heifsave_buffer(compression="av1", effort=0),
    }[kind]()
    asset = send(place, data)
    work_off()
    assert now(house, asset).version.mezzanine is None


# Presets made ahead


def test_presets_are_made_ahead_for_the_assets_that_they_match(house, place, send, work_off):
    where = (OPERATOR, place.organization, place.tenant, place.space)
    house.presets.create(*where, "card", "w_40-fmt_auto", auto_generate=True, match_tags=["hero"])
    house.presets.create(*where, "thumb", "w_20", auto_generate=True, match_folders=["shoes"])
    house.presets.create(*where, "other", "w_10", auto_generate=True, match_tags=["else"])
    house.presets.create(*where, "asked", "w_30", match_tags=["hero"])
    asset = send(place, noise(80, 60).jpegsave_buffer(), tags=["hero"], folder="shoes/red")
    work_off()
    made = sorted((variant.width, variant.format) for variant in rows(house, asset))
    assert made == [(20, "jpg"), (40, "avif"), (40, "jpg"), (40, "webp")]
    plain = send(place, noise(90, 60).jpegsave_buffer(), folder="shoeshine")
    work_off()
    assert rows(house, plain) == []


# Better encodings


def test_what_is_asked_for_often_gets_smaller_bytes(house, place, send, work_off, deliver):
    asset = send(place, noise(400, 300).jpegsave_buffer(Q=95))
    before = deliver(place, asset, "w_300")
    (variant,) = rows(house, asset)
    with house.database.operator() as tx:
        variants.touch(tx, {variant.id: 50})
    house.work._chores["find_popular"].do({})
    work_off()
    (better,) = rows(house, asset)
    assert better.improved_at is not None
    assert better.bytes < variant.bytes
    assert (better.identity, better.width, better.height) == (variant.identity, variant.width, variant.height)
    after = deliver(place, asset, "w_300")
    assert len(after) == better.bytes < len(before)
    assert house.stores[variant.store].exists(variant.key), "caches may still lead to it"

    with house.database.operator() as tx:
        tx.run("UPDATE jobs SET run_at = now() WHERE kind = 'discard'")
    work_off()
    assert not house.stores[variant.store].exists(variant.key)
    assert deliver(place, asset, "w_300") == after


def test_a_variant_whose_object_is_lost_is_made_again_under_its_row(house, place, send, deliver):
    asset = send(place, noise(120, 90).jpegsave_buffer())
    deliver(place, asset, "w_60")
    (variant,) = rows(house, asset)
    with house.database.scoped(asset.scope) as tx:
        other = {"bytes": 1, "content_hash": "ab" * 32, "store": variant.store, "key": f"{variant.key}-better"}
        variants.replace(tx, variant.id, variant.key, **other)
    house.stores[variant.store].delete(variant.key)
    data = deliver(place, asset, "w_60")
    (again,) = rows(house, asset)
    assert (again.id, again.key, again.bytes) == (variant.id, variant.key, len(data))
    assert deliver(place, asset, "w_60") == data


# What crashes leave


@pytest.fixture
def crashed(house):
    """A pending row, as a crash leaves it: with its object, with half of it, or with none."""

    def crashed(place, data: bytes, stored: bytes | None):
        with house.database.operator() as tx:
            there = find_place(tx, OPERATOR, place.organization, place.tenant, place.space)
        key = f"{to_ulid(there.tenant.id)}/{to_ulid(new_id())}/{to_ulid(new_id())}"
        with house.database.scoped(there.scope) as tx:
            asset = assets.insert(
                tx,
                there.space.id,
                access=Access.PUBLIC,
                source_kind=SourceKind.UPLOAD,
                file_name="a.jpg",
                uploaded_by="test",
                store="originals",
                key=key,
                content_hash=hashlib.sha256(data).hexdigest(),
            )
            tx.run(
                "UPDATE asset_versions SET created_at = now() - interval '2 hours' WHERE asset_id = %(id)s", id=asset.id
            )
        if stored is not None:
            house.stores["originals"].put(key, io.BytesIO(stored), size=len(stored), content_type="image/jpeg")
        return asset

    return crashed


def reap(house):
    house.work._chores["reap"].do({})


def test_a_whole_upload_that_nobody_was_told_of_is_promoted(house, place, crashed, deliver):
    data = noise(64, 48).jpegsave_buffer()
    asset = crashed(place, data, data)
    reap(house)
    ready = now(house, asset)
    assert (ready.state, ready.version.content.width) == (State.READY, 64)
    assert deliver(place, asset, "w_32")


@pytest.mark.parametrize(
    "stored", [b"half of it", None, noise(66, 48).jpegsave_buffer()], ids=["half", "none", "other"]
)
def test_a_broken_upload_is_taken_back(house, place, crashed, stored):
    asset = crashed(place, noise(64, 48).jpegsave_buffer(), stored)
    reap(house)
    assert now(house, asset) is None
    assert not house.stores["originals"].exists(asset.version.key)


def test_what_the_store_could_not_take_back_is_taken_back_later(house, place, send, work_off, monkeypatch):
    def fail(*_args, **_options):
        raise StoreUnavailable("the disk is gone")

    def kept() -> list[str]:
        return [each.key for each in house.stores["originals"].list(f"{to_ulid(tenant_of(house, place).id)}/")]

    for name in ("stat", "delete"):
        monkeypatch.setattr(house.stores["originals"], name, fail)
    with pytest.raises(Unavailable):
        send(place, noise(68, 48).jpegsave_buffer())
    monkeypatch.undo()
    assert len(kept()) == 1
    work_off()
    assert kept() == []


def test_what_is_no_picture_is_taken_back(house, place, crashed):
    asset = crashed(place, b"no picture", b"no picture")
    reap(house)
    assert now(house, asset) is None
    assert not house.stores["originals"].exists(asset.version.key)


def test_bytes_that_came_again_meanwhile_are_not_there_twice(house, place, crashed, send):
    data = noise(70, 48).jpegsave_buffer()
    asset, again = crashed(place, data, data), send(place, data)
    reap(house)
    assert now(house, asset) is None
    assert now(house, again).state is State.READY


def test_uploads_on_their_way_are_left_alone(house, place, crashed):
    asset = crashed(place, b"x", None)
    with house.database.scoped(asset.scope) as tx:
        tx.run("UPDATE asset_versions SET created_at = now() WHERE asset_id = %(id)s", id=asset.id)
    reap(house)
    assert now(house, asset).state is State.PENDING


def test_decoded_pixels_go_a_day_after_they_were_asked_for(house, place, send, deliver):
    folder = house.spool._folder.parent / "pixels"
    before = set(folder.iterdir()) if folder.exists() else set()
    asset = send(place, noise(1000, 800).jpegsave_buffer())
    for width in (100, 200, 300):
        assert deliver(place, asset, f"w_{width}")
    (pixels,) = set(folder.iterdir()) - before
    reap(house)
    assert pixels.exists()
    long_ago = time.time() - 2 * 86_400
    os.utime(pixels, (long_ago, long_ago))
    reap(house)
    assert not pixels.exists()


# Stores against the registry


def sweep(house):
    at = house.work._chores["sweep"].do({})
    while at:
        at = house.work._chores["sweep"].do(at)


def test_old_objects_without_a_row_go_and_others_stay(house, place, send, deliver):
    asset = send(place, noise(64, 48).jpegsave_buffer())
    deliver(place, asset, "w_32")
    (variant,) = rows(house, asset)
    tenant = asset.version.key.partition("/")[0]
    store = house.stores["originals"]
    keys = {name: f"{where}/{to_ulid(new_id())}/{name}" for name, where in
            {"old": tenant, "young": tenant, "foreign": to_ulid(new_id()), "strange": "backups"}.items()}  # fmt: skip
    for name, key in keys.items():
        store.put(key, io.BytesIO(b"x"), size=1, content_type="image/jpeg")
        if name != "young":
            long_ago = time.time() - 3 * 86_400
            os.utime(store.local_path(key), (long_ago, long_ago))
    for name, key in (("originals", asset.version.key), ("variants", variant.key)):
        os.utime(house.stores[name].local_path(key), (0, 0))
    sweep(house)
    assert {name for name, key in keys.items() if store.exists(key)} == {"young", "foreign", "strange"}
    assert store.exists(asset.version.key)
    assert house.stores["variants"].exists(variant.key)


def test_rows_whose_object_is_gone_are_told_of(house, place, send, capfd):
    asset = send(place, noise(66, 48).jpegsave_buffer())
    house.stores["originals"].delete(asset.version.key)
    sweep(house)
    assert asset.version.key in capfd.readouterr().out


# Deletion


def test_a_deleted_asset_is_gone_for_good_after_its_grace(house, place, send, work_off, deliver):
    asset = send(place, noise(68, 48).jpegsave_buffer())
    deliver(place, asset, "w_32")
    (variant,) = rows(house, asset)
    house.assets.delete(OPERATOR, asset.id)
    work_off()
    assert house.stores["originals"].exists(asset.version.key), "within the grace"
    with house.database.operator() as tx:
        tx.run("UPDATE jobs SET run_at = now() WHERE kind = 'purge'")
    work_off()
    assert not house.stores["originals"].exists(asset.version.key)
    assert not house.stores["variants"].exists(variant.key)
    with house.database.operator() as tx:
        assert tx.rows("SELECT FROM assets WHERE id = %(id)s", id=asset.id) == []
        assert objects.named(tx, [asset.version.key, variant.key]) == set()


# Tiers


def test_a_variant_that_nobody_asks_for_cools(house, place, send, deliver):
    asset = send(place, noise(64, 47).jpegsave_buffer())
    deliver(place, asset, "w_32")
    (variant,) = rows(house, asset)
    assert variant.cache_tier is CacheTier.HOT
    with house.database.scoped(asset.scope) as tx:
        tx.run(
            "UPDATE variants SET created_at = now() - make_interval(days => 8), last_accessed_at = NULL"
            " WHERE id = %(id)s",
            id=variant.id,
        )
    assert house.work._chores["settle_tiers"].do({}) == {}
    assert rows(house, asset)[0].cache_tier is CacheTier.WARM


def test_every_kind_of_work_is_documented(house):
    page = Path(__file__).parents[2] / "docs/operating.md"
    table = page.read_text().partition("| kind | when |")[2].partition("\n\n")[0]
    documented = set(re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[1:])))
    assert documented == {*house.work._tasks, *house.work._chores, "count_hits"}


# What the edge's cache answered


def test_answers_from_the_edges_cache_are_counted_once(house, place, send, deliver, tmp_path):
    asset = send(place, noise(72, 48).jpegsave_buffer())
    deliver(place, asset, "w_32")
    (variant,) = rows(house, asset)
    path = tmp_path / "access.log"

    def line(cache: str, variant_id=variant.id, size: int = 100) -> bytes:
        names = {
            "asset": to_ulid(asset.id),
            "variant": variant_id and to_ulid(variant_id),
            "cache": cache,
            "bytes": size,
        }
        return json.dumps(names).encode() + b"\n"

    edge_log, at = EdgeLog(house.database, path), {}
    assert edge_log.count(at) == {}, "nothing was logged yet"
    path.write_bytes(
        line("HIT") + line("MISS") + line("STALE") + b"not JSON\n" + line("HIT", None, 7) + line("HIT")[:-9]
    )
    at = edge_log.count(at)
    at = edge_log.count(at)
    assert at["wait"]
    with path.open("ab") as file:
        file.write(line("HIT")[-9:])
    at = edge_log.count(at)
    path.rename(tmp_path / "access.log.1")
    path.write_bytes(line("HIT"))
    at = edge_log.count(at)
    with path.open("r+b") as file:  # as logrotate does where it copies and truncates
        file.truncate()
    at = edge_log.count(at)
    with path.open("ab") as file:
        file.write(line("HIT"))
    edge_log.count(at)
    assert rows(house, asset)[0].access_count == variant.access_count + 5
    today = datetime.now(UTC).date()
    with house.database.scoped(asset.scope) as tx:
        totals = usage.totals(tx, since=today - timedelta(days=1), until=today, space_id=asset.space_id)
    assert (totals["requests"], totals["bytes"]) == (6, 507)
