"""From a committed change in the registry to the snapshot that edges follow."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event, Thread

import pytest

from mezzotint.breaker import FAILURES, State
from mezzotint.data import generations, jobs, organizations, policies, presets, signing_keys, spaces, tenants
from mezzotint.data.postgres import Database
from mezzotint.data.redis import connect
from mezzotint.data.snapshot import EVENTS, Snapshot
from mezzotint.model.errors import Unavailable
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.model.policy import DEFAULTS, Policy
from mezzotint.model.tenancy import Owner, Scope
from mezzotint.services.publish import EVERY, SOON, Publisher
from tests.published import content


def kid() -> str:
    return to_ulid(new_id()).lower()


@pytest.fixture
def published(publisher, client):
    """Drains, and gives what is published."""

    def look():
        assert publisher.drain() is True
        return content(client)

    publisher.publish_all()
    return look


@pytest.fixture
def signing_key(database, place):
    with database.scoped(place.scope) as tx:
        return signing_keys.insert(tx, place.organization.id, place.tenant.id, kid(), b"sealed")


def test_a_new_space_is_there(published, place):
    record = published().spaces[place.path]
    assert Policy.from_json(record.pop("policy")) == DEFAULTS
    assert record == {
        "organization_id": str(place.organization.id),
        "tenant_id": str(place.tenant.id),
        "space_id": str(place.space.id),
    }


@pytest.mark.parametrize("level", ["organization", "tenant", "space"])
def test_a_space_below_a_deleted_level_is_gone(published, database, place, level):
    assert place.path in published().spaces
    with database.operator() as tx:
        {"organization": organizations, "tenant": tenants, "space": spaces}[level].delete(tx, getattr(place, level).id)
    assert place.path not in published().spaces


def test_a_key_is_published_with_its_state_and_the_policys_lifetime(published, database, place, signing_key):
    assert published().keys[signing_key.kid] == {
        "kid": signing_key.kid,
        "organization": place.organization.slug,
        "tenant": place.tenant.slug,
        "status": "active",
        "grace_until": None,
        "max_lifetime": DEFAULTS.max_lifetime,
        "secret": base64.b64encode(b"sealed").decode(),
    }
    until = datetime(2100, 1, 1, tzinfo=UTC)
    with database.scoped(place.scope) as tx:
        signing_keys.retire(tx, signing_key.kid, until)
    record = published().keys[signing_key.kid]
    assert (record["status"], record["grace_until"]) == ("grace", until.timestamp())
    with database.scoped(place.scope) as tx:
        signing_keys.revoke(tx, signing_key.kid)
    record = published().keys[signing_key.kid]
    assert (record["status"], record["grace_until"]) == ("revoked", None)


def test_a_key_for_all_tenants_says_so(published, database, place):
    with database.scoped(Scope(place.organization.id)) as tx:
        key = signing_keys.insert(tx, place.organization.id, None, kid(), b"x")
    assert published().keys[key.kid]["tenant"] == "*"


@pytest.mark.parametrize("level", ["organization", "tenant"])
def test_the_keys_of_what_is_deleted_are_revoked(published, database, place, signing_key, level):
    assert published().keys[signing_key.kid]["status"] == "active"
    with database.operator() as tx:
        {"organization": organizations, "tenant": tenants}[level].delete(tx, getattr(place, level).id)
    assert published().keys[signing_key.kid]["status"] == "revoked"


def test_a_policy_reaches_every_space_and_key_below_it_and_no_other(published, database, settle):
    one = settle()
    sibling, stranger = settle(one.organization), settle()
    with database.scoped(one.scope) as tx:
        key = signing_keys.insert(tx, one.organization.id, one.tenant.id, kid(), b"x")

    def sides():
        content = published()
        return [content.spaces[place.path]["policy"]["max_side"] for place in (one, sibling, stranger)]

    with database.scoped(Scope(one.organization.id)) as tx:
        policies.put(tx, Owner(one.organization.id), Policy(max_side=100, max_lifetime=50))
    assert sides() == [100, 100, DEFAULTS.max_side]
    assert published().keys[key.kid]["max_lifetime"] == 50
    with database.scoped(one.scope) as tx:
        policies.put(tx, Owner(one.organization.id, one.tenant.id), Policy(max_side=200))
    assert sides() == [200, 100, DEFAULTS.max_side]
    with database.scoped(one.scope) as tx:
        policies.put(tx, one.owner, Policy(max_side=300))
    assert sides() == [300, 100, DEFAULTS.max_side]


def test_presets_are_published_by_path_and_removed(published, database, place):
    organization, tenant, _ = place.path.split("/")
    owners = {
        organization: Owner(place.organization.id),
        f"{organization}/{tenant}": Owner(place.organization.id, place.tenant.id),
        place.path: place.owner,
    }
    with database.scoped(Scope(place.organization.id)) as tx:
        made = {path: presets.insert(tx, owner, "hero", {"w": 100, "bw": True}) for path, owner in owners.items()}
    content = published()
    for path in owners:
        assert set(content.presets[f"{path}/hero"]["operations"].split("-")) == {"w_100", "bw"}
    with database.scoped(Scope(place.organization.id)) as tx:
        presets.update(tx, made[place.path].id, operations={"h": 5})
        presets.delete(tx, made[organization].id)
    content = published()
    assert content.presets[f"{place.path}/hero"] == {"operations": "h_5"}
    assert f"{organization}/hero" not in content.presets
    assert f"{organization}/{tenant}/hero" in content.presets


def test_a_preset_made_again_under_its_name_is_not_lost_to_the_old_ones_deletion(published, database, place):
    with database.scoped(place.scope) as tx:
        old = presets.insert(tx, place.owner, "hero", {"w": 1})
    published()
    with database.scoped(place.scope) as tx:
        presets.insert(tx, Owner(place.organization.id, place.tenant.id), "hero", {"w": 3})
        presets.delete(tx, old.id)
        presets.insert(tx, place.owner, "hero", {"w": 2})
    assert published().presets[f"{place.path}/hero"] == {"operations": "w_2"}
    with database.scoped(place.scope) as tx:
        presets.update(tx, old.id, operations={"w": 9})
    assert published().presets[f"{place.path}/hero"] == {"operations": "w_2"}


def test_a_generation_is_the_sum_of_who_raised_it(published, database, place):
    scope = f"s:{place.path}"
    with database.scoped(place.scope) as tx:
        generations.bump(tx, scope)
    assert published().generations[scope] == 1
    with database.operator() as tx:
        generations.bump(tx, scope)
    assert published().generations[scope] == 2


def test_a_generation_follows_the_record_that_it_speaks_of(published, database, place, client):
    with database.scoped(place.scope) as tx:
        generations.bump(tx, f"s:{place.path}")
        policies.put(tx, place.owner, Policy(max_side=7))
    published()
    types = [fields["type"] for _, fields in client.xrange(EVENTS)]
    assert types.index("space") < types.index("generation")


def test_an_abandoned_change_is_not_published(published, database, place, abandon):
    published()
    abandon(database.scoped(place.scope), lambda tx: policies.put(tx, place.owner, Policy(max_side=7)))
    assert published().spaces[place.path]["policy"]["max_side"] == DEFAULTS.max_side


def test_changes_by_many_at_once_end_in_the_last_state(published, database, publisher, place):
    scope = f"s:{place.path}"

    def change(number):
        with database.scoped(place.scope) as tx:
            policies.put(tx, place.owner, Policy(max_side=number + 1))
            generations.bump(tx, scope)
        return publisher.drain()

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(change, range(60)))
    content = published()
    with database.scoped(place.scope) as tx:
        assert content.spaces[place.path]["policy"]["max_side"] == policies.get(tx, place.owner).max_side
        assert content.generations[scope] == generations.get(tx, scope) == 60


def test_a_full_publication_says_the_same_as_the_changes_did(published, publisher, database, settle):
    for place in (settle(), settle()):
        with database.scoped(place.scope) as tx:
            signing_keys.insert(tx, place.organization.id, place.tenant.id, kid(), b"x")
            policies.put(tx, place.owner, Policy(max_side=9))
            preset = presets.insert(tx, place.owner, "hero", {"w": 1})
            presets.insert(tx, place.owner, "other", {"w": 1})
            generations.bump(tx, f"s:{place.path}")
        published()
        with database.scoped(place.scope) as tx:
            presets.delete(tx, preset.id)
    with database.operator() as tx:
        spaces.delete(tx, place.space.id)
    by_changes = published()
    publisher.publish_all()
    assert published() == by_changes


def test_with_redis_away_changes_wait_and_are_published_later(database, publisher, place, tmp_path, client):
    publisher.publish_all()
    with connect(f"unix://{tmp_path}/nothing", timeout=0.1) as away:
        cut_off = Publisher(database, Snapshot(away))
        with database.scoped(place.scope) as tx:
            policies.put(tx, place.owner, Policy(max_side=7))
        assert cut_off.drain() is False
        with pytest.raises(Unavailable):
            cut_off.publish_all()
    assert publisher.drain() is True
    assert content(client).spaces[place.path]["policy"]["max_side"] == 7


def test_a_long_publication_by_another_is_not_taken_for_a_database_that_is_away(postgres, database, snapshot):
    waiting = Database(postgres.app_dsn, postgres.operator_dsn, statement_timeout=0.1)
    with database.operator() as tx:
        jobs.hold_publication(tx)
        for _ in range(2 * FAILURES):
            assert Publisher(waiting, snapshot).drain() is False
        assert waiting.breaker.state is State.CLOSED
    waiting.close()


def test_a_redis_that_lost_its_data_gets_it_all_again(publisher, snapshot, client, place):
    assert publisher.ensure() is True
    before, epoch = content(client), snapshot.epoch()
    assert publisher.ensure() is False
    client.flushall()
    assert publisher.ensure() is True
    assert snapshot.epoch() != epoch
    assert content(client) == before
    assert place.path in before.spaces


def test_a_change_after_the_loss_publishes_everything(publisher, client, settle):
    old = settle()
    publisher.publish_all()
    client.flushall()
    new = settle()
    assert publisher.drain() is True
    assert {old.path, new.path} <= set(content(client).spaces)


def test_a_restarted_redis_with_older_data_is_not_believed(publisher, client, place):
    publisher.publish_all()
    client.hdel("mz:spaces", place.path)
    client.set("mz:server", "the run before")
    assert publisher.ensure() is True
    assert place.path in content(client).spaces


def test_several_who_find_it_lost_publish_once(publisher, client):
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: publisher.ensure(), range(4))) == [False, False, False, True]
    assert [fields["type"] for _, fields in client.xrange(EVENTS)] == ["epoch"]


def test_while_redis_is_away_the_loop_looks_more_often(database, publisher, tmp_path):
    """What is revoked meanwhile is to be in force within a second of its return."""

    class Stop(Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            self.set()
            return True

    waits: list[float | None] = []
    publisher.loop(Stop())
    with connect(f"unix://{tmp_path}/nobody.sock", pause=SOON) as nobody:
        Publisher(database, Snapshot(nobody)).loop(Stop())
    assert waits == [EVERY, SOON]


def test_the_loop_publishes_by_itself_and_stops_when_told(database, publisher, client, place):
    stop = Event()
    loop = Thread(target=publisher.loop, args=(stop,))
    loop.start()
    try:
        with database.scoped(place.scope) as tx:
            policies.put(tx, place.owner, Policy(max_side=7))
        end = time.monotonic() + 20
        while (there := content(client)) is None or there.spaces[place.path]["policy"]["max_side"] != 7:
            assert time.monotonic() < end, "nothing was published"
            time.sleep(0.05)
    finally:
        stop.set()
        loop.join(20)
    assert not loop.is_alive()
