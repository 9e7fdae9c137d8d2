"""Uploads: deduplicated, refused without a trace, and invisible until whole whatever breaks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from mezzotint.data import audit, usage
from mezzotint.model.asset import Access, State
from mezzotint.model.errors import (
    InvalidField,
    NotFound,
    PictureRefused,
    Unavailable,
    UnsupportedType,
    UploadTooLarge,
)
from mezzotint.model.identifiers import to_ulid
from mezzotint.model.policy import Policy
from mezzotint.model.tenancy import Scope
from mezzotint.plugin_api import StoreUnavailable
from mezzotint.services.ingest import Ingest
from tests.servers.places import OPERATOR, settle


def states(house, place):
    """How many assets of a place are in each state, deleted ones left out."""
    counts = {}
    for state in State:
        _, found = house.assets.page(OPERATOR, place.organization, place.tenant, place.space, state=state)
        if found:
            counts[state.value] = len(found)
    return counts


def objects(house, place):
    """What the store keeps of a place's tenant."""
    level = house.tenancy.level(OPERATOR, place.organization, place.tenant)
    return list(house.stores["originals"].list(f"{to_ulid(level.noun.id)}/"))


def test_a_picture_is_taken_in(house, place, upload, picture):
    taken = upload(place, tags=["a", " a", "b"], folder="/summer/beach/")
    asset = taken.located.asset
    content = asset.version.content
    assert taken.created
    assert (asset.state, asset.access, asset.tags, asset.folder) == (
        State.READY,
        Access.PUBLIC,
        ("a", "b"),
        "summer/beach",
    )
    assert (content.format, content.media_type, content.width, content.height) == ("jpeg", "image/jpeg", 64, 48)
    assert house.stores["originals"].get(asset.version.key) == picture().read_bytes()


def test_the_same_bytes_are_the_same_asset(house, place, upload):
    first, second = upload(place), upload(place, tags=["ignored"])
    assert (first.created, second.created) == (True, False)
    assert second.located.asset == first.located.asset
    assert upload(place, access=Access.PRIVATE).created, "another access is another asset"
    assert upload(settle(house, place.organization)).created, "another tenant shares nothing"
    assert len(objects(house, place)) == 2


def test_the_same_bytes_at_once_become_one_asset(house, place, upload, picture, monkeypatch):
    picture()
    # All have stored their object before any becomes ready: the latest moment at which they can find each other.
    together, keep = threading.Barrier(4), Ingest._keep

    def keep_and_wait(self, *arguments):
        keep(self, *arguments)
        together.wait(20)

    monkeypatch.setattr(Ingest, "_keep", keep_and_wait)
    with ThreadPoolExecutor(4) as threads:
        taken = [future.result() for future in [threads.submit(upload, place) for _ in range(4)]]
    assert sorted(one.created for one in taken) == [False, False, False, True]
    assert len({one.located.asset.id for one in taken}) == 1
    assert states(house, place) == {"ready": 1}
    assert len(objects(house, place)) == 1


def test_usage_and_audit_tell_of_it(house, place, upload):
    asset = upload(place).located.asset
    scope = Scope(asset.organization_id, asset.tenant_id)
    with house.database.scoped(scope) as tx:
        (entry,) = [line for line in audit.page(tx) if line.action == "asset.create"]
        day = asset.created_at.date()
        totals = usage.totals(tx, since=day, until=day, space_id=asset.space_id)
    assert (entry.actor, entry.detail["sha256"]) == ("test", asset.version.content.content_hash)
    assert totals["uploads"] == 1
    assert totals["upload_bytes"] == asset.version.content.bytes


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", InvalidField),
        (b"<html>not a picture</html>", UnsupportedType),
        (b"\xff\xd8\xff\xe0" + bytes(2000), PictureRefused),
    ],
    ids=["empty", "wrong type", "broken"],
)
def test_what_is_refused_leaves_no_trace(house, place, data, refusal):
    with house.spool.receive() as incoming:
        incoming.write(data, limit=10_000)
        with pytest.raises(refusal):
            house.ingest.add(OPERATOR, incoming.received, "x.jpg", **place.fields)
    assert states(house, place) == {}
    assert objects(house, place) == []


def test_half_a_picture_is_refused(house, place, picture):
    data = picture(600).read_bytes()
    with house.spool.receive() as incoming:
        incoming.write(data[: len(data) // 2], limit=len(data))
        with pytest.raises(PictureRefused):
            house.ingest.add(OPERATOR, incoming.received, "x.jpg", **place.fields)
    assert states(house, place) == {}


@pytest.mark.parametrize(
    ("policy", "refusal"),
    [(Policy(max_upload_bytes=100), UploadTooLarge), (Policy(max_source_pixels=100), PictureRefused)],
)
def test_the_policy_bounds_an_upload(house, place, upload, policy, refusal):
    house.policies.put(OPERATOR, place.organization, place.tenant, place.space, policy)
    with pytest.raises(refusal):
        upload(place)
    assert states(house, place) == {}


class Crash(BaseException):
    """The process dies here: nothing of ours runs after it."""


@pytest.mark.parametrize("step", ["_verify", "_keep", "_ready"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_between_steps_leaves_nothing_visible(house, place, upload, monkeypatch, step, after):
    real = getattr(Ingest, step)

    def crash(self, *arguments):
        if after:
            real(self, *arguments)
        raise Crash

    monkeypatch.setattr(Ingest, step, crash)
    with pytest.raises(Crash):
        upload(place)
    assert states(house, place) in ({}, {"pending": 1})
    monkeypatch.undo()
    assert upload(place).created, "what a crash left behind stands in nobody's way"
    assert states(house, place)["ready"] == 1


def test_a_store_that_fails_is_cleaned_up_after(house, place, upload, monkeypatch):
    store = house.stores["originals"]

    def fail(*_args, **_options):
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(store, "put", fail)
    with pytest.raises(Unavailable):
        upload(place)
    assert states(house, place) == {}


def test_a_store_that_keeps_less_than_it_was_given_is_not_believed(house, place, upload, monkeypatch):
    store = house.stores["originals"]
    real = store.stat
    monkeypatch.setattr(store, "stat", lambda key: replace(real(key), size=real(key).size - 1))
    with pytest.raises(Unavailable, match="another number of bytes"):
        upload(place)
    monkeypatch.undo()
    assert states(house, place) == {}
    assert objects(house, place) == []


def test_a_new_version_becomes_current(house, place, upload, picture):
    asset = upload(place).located.asset
    with house.spool.receive() as incoming:
        incoming.write(picture(80).read_bytes(), limit=10_000)
        taken = house.ingest.add_version(OPERATOR, asset.id, incoming.received, "new.jpg")
        again = house.ingest.add_version(OPERATOR, asset.id, incoming.received, "new.jpg")
    assert (taken.created, again.created) == (True, False)
    located, versions = house.assets.get(OPERATOR, asset.id)
    assert (located.asset.current, located.asset.version.content.width) == (2, 80)
    assert [version.number for version in versions] == [1, 2]


def test_another_tenant_s_space_is_not_found(house, place, upload, tenant_caller):
    stranger = tenant_caller(settle(house))
    for fields in ({}, {"organization": place.organization}, {"tenant": place.tenant}, place.fields):
        with pytest.raises(NotFound):
            upload(place, caller=stranger, **({"organization": None, "tenant": None} | fields))
