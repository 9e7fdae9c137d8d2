from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import psycopg
import pytest

from mezzotint.data import assets
from mezzotint.model.asset import Access, State
from mezzotint.model.identifiers import new_id
from tests.data.samples import CONTENT, next_version, pending_asset, ready_asset


def test_an_asset_is_pending_then_ready(database, place):
    with database.scoped(place.scope) as tx:
        asset = pending_asset(tx, place, access=Access.PRIVATE, folder="a/b", tags=["x", "y"])
        assert (asset.state, asset.version.content, asset.version.number) == (State.PENDING, None, 1)
        assert (asset.access, asset.folder, asset.tags) == (Access.PRIVATE, "a/b", ("x", "y"))
        ready = assets.mark_ready(tx, asset.id, 1, CONTENT)
        assert (ready.state, ready.version.content) == (State.READY, CONTENT)
        assert assets.get(tx, asset.id) == ready


def test_a_failure_says_why_and_is_final(database, place):
    with database.scoped(place.scope) as tx:
        asset = pending_asset(tx, place)
        assert assets.mark_failed(tx, asset.id, 1, "too many pixels")
        assert assets.mark_ready(tx, asset.id, 1, CONTENT) is None
        failed = assets.get(tx, asset.id)
    assert (failed.state, failed.version.failure) == (State.FAILED, "too many pixels")


def test_a_ready_version_stays_what_it_is(database, place):
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)
        assert assets.mark_ready(tx, asset.id, 1, replace(CONTENT, width=1)) is None
        assert assets.mark_failed(tx, asset.id, 1, "no") is False
        assert assets.get(tx, asset.id) == asset


def test_the_current_version_never_goes_back(database, place):
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)
        second, third = next_version(tx, asset), next_version(tx, asset)
        assert (second.number, third.number) == (2, 3)
        assert assets.get(tx, asset.id).current == 1
        assert assets.mark_ready(tx, asset.id, 3, CONTENT).current == 3
        assert assets.mark_ready(tx, asset.id, 2, CONTENT).current == 3
        assert assets.get(tx, asset.id).version.number == 3
        assert assets.get(tx, asset.id, 2).version.number == 2
        assert assets.get(tx, asset.id, 4) is None
        assert [version.number for version in assets.versions(tx, asset.id)] == [1, 2, 3]


def test_versions_made_at_once_get_different_numbers(database, place):
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)
    together = Barrier(4)

    def add(_):
        with database.scoped(place.scope) as tx:
            together.wait(10)
            return next_version(tx, asset).number

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == [2, 3, 4, 5]


def test_a_deleted_asset_is_gone(database, place):
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)
        assert assets.delete(tx, asset.id) is True
        assert assets.delete(tx, asset.id) is False
        assert assets.get(tx, asset.id) is None
        assert assets.versions(tx, asset.id) == []
        assert assets.page(tx, place.space.id) == []
        assert next_version(tx, asset) is None
        assert assets.find_by_content(tx, place.space.id, CONTENT.content_hash, Access.PUBLIC) is None


def test_content_is_found_among_live_assets_of_the_space_and_access(database, settle):
    place = settle()
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)

        def find(**values):
            wanted = {"space_id": place.space.id, "content_hash": CONTENT.content_hash, "access": Access.PUBLIC}
            return assets.find_by_content(tx, **wanted | values)

        assert find() == asset
        assert find(access=Access.PRIVATE) is None
        assert find(content_hash="00" * 32) is None
        assert find(space_id=new_id()) is None
        next_version(tx, asset)
        assert assets.mark_ready(tx, asset.id, 2, replace(CONTENT, content_hash="11" * 32))
        assert find() is None
        assert find(content_hash="11" * 32).id == asset.id


def test_two_uploads_of_the_same_bytes_at_once_become_one_asset(database, place):
    together = Barrier(6)

    def upload(_):
        with database.scoped(place.scope) as tx:
            pending = pending_asset(tx, place)
        together.wait(10)
        with database.scoped(place.scope) as tx:
            there = assets.find_by_content(tx, place.space.id, CONTENT.content_hash, Access.PUBLIC)
            return (there or assets.mark_ready(tx, pending.id, 1, CONTENT)).id

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(upload, range(6)))) == 1


def test_pages_are_filtered_and_go_on(database, place):
    with database.scoped(place.scope) as tx:
        plain = ready_asset(tx, place)
        tagged = ready_asset(tx, place, tags=["a", "b"], folder="f")
        private = pending_asset(tx, place, access=Access.PRIVATE)

        def ids(**where):
            return [asset.id for asset in assets.page(tx, place.space.id, **where)]

        assert ids() == sorted([plain.id, tagged.id, private.id], reverse=True)
        assert ids(limit=1) + ids(after=ids(limit=1)[0]) == ids()
        assert ids(tag="a") == ids(folder="f") == [tagged.id]
        assert ids(access=Access.PRIVATE) == ids(state=State.PENDING) == [private.id]
        assert [asset.id for asset in assets.page(tx)] == ids()


def test_the_operator_learns_whose_an_asset_is(database, place):
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)
    with database.operator() as tx:
        assert assets.owner(tx, asset.id) == place.scope
        assert assets.owner(tx, new_id()) is None


def test_what_a_crash_left_is_found(database, place):
    with database.scoped(place.scope) as tx:
        left = pending_asset(tx, place, content_hash="ab" * 32)
        ready_asset(tx, place)
    with database.operator() as tx:
        (found,) = [one for one in assets.unfinished(tx, 0) if one.scope == place.scope]
        assert assets.unfinished(tx, 3600) == []
    assert (found.asset_id, found.number, found.key) == (left.id, 1, left.version.key)
    assert (found.content_hash, found.deleted) == ("ab" * 32, False)


def test_hostile_exif_is_stored_without_what_jsonb_refuses(database, place):
    exif = {"a\0": ["\0x", "\ud800", float("nan"), float("inf")], "n": {"deep": ("é", 1, None, True, 0.5)}}
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place, replace(CONTENT, exif=exif))
        stored = assets.get(tx, asset.id).version.content.exif
    assert stored == {"a": ["x", "?", None, None], "n": {"deep": ["é", 1, None, True, 0.5]}}


def test_no_ready_version_without_its_facts(database, place):
    with pytest.raises(psycopg.errors.CheckViolation), database.scoped(place.scope) as tx:
        ready_asset(tx, place, replace(CONTENT, thumbhash=None))
    with pytest.raises(psycopg.errors.CheckViolation), database.scoped(place.scope) as tx:
        ready_asset(tx, place, replace(CONTENT, content_hash="AB" * 32))


def test_no_two_versions_share_a_key(database, place):
    with database.scoped(place.scope) as tx:
        pending_asset(tx, place, key="the/same")
    with pytest.raises(psycopg.errors.UniqueViolation), database.scoped(place.scope) as tx:
        pending_asset(tx, place, key="the/same")


def test_no_asset_without_its_current_version(database, place):
    with database.scoped(place.scope) as tx:
        asset = ready_asset(tx, place)
    with pytest.raises(psycopg.errors.ForeignKeyViolation), database.scoped(place.scope) as tx:
        tx.run("UPDATE assets SET current = 9 WHERE id = %(id)s", id=asset.id)
