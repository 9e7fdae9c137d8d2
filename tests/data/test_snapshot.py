from threading import Event, Thread

import pytest

from mezzotint.data.redis import connect
from mezzotint.data.snapshot import (
    EPOCH,
    EVENTS,
    GENERATIONS,
    KEYS,
    PRESETS,
    SPACES,
    Change,
    Content,
    Full,
    Snapshot,
    generation_scopes,
)  # fmt: skip
from mezzotint.model.address import Address
from mezzotint.model.errors import Unavailable
from mezzotint.model.identifiers import from_ulid

ULID = "01JBXYZ7N8Q4W2V6M3K5T9R0AE"
ADDRESS = Address("priv", "acme", "web", "shop", from_ulid(ULID), 1, "w_100", "jpg")
CONTENT = Content(
    keys={"k1": {"kid": "k1", "status": "active"}},
    generations={"*": 2, f"a:{ULID}": 5},
    spaces={"acme/web/shop": {"space_id": "1"}},
    presets={"acme/hero": {"operations": "w_1"}, "acme/web/hero": {"operations": "w_2"}},
)
EMPTY = Content({}, {}, {}, {})


def test_what_is_published_is_read(snapshot):
    assert snapshot.read() is None
    snapshot.publish("E1", CONTENT)
    full = snapshot.read()
    assert (full.epoch, full.content) == ("E1", CONTENT)


def test_a_publication_replaces_all_that_was(snapshot):
    snapshot.publish("E1", CONTENT)
    snapshot.publish("E2", EMPTY)
    assert snapshot.read().content == EMPTY
    assert snapshot.epoch() == "E2"


def test_records_are_put_and_removed_with_an_event_each(snapshot, client):
    snapshot.publish("E1", EMPTY)
    snapshot.put("space", {"a/b/c": {"x": 1}, "a/b/d": {"x": 2}})
    snapshot.put("space", {"a/b/c": None})
    snapshot.put("key", {"k": {"kid": "k"}})
    snapshot.put("preset", {"a/p": {"operations": "w_1"}})
    content = snapshot.read().content
    assert content == Content({"k": {"kid": "k"}}, {}, {"a/b/d": {"x": 2}}, {"a/p": {"operations": "w_1"}})
    events = [fields for _, fields in client.xrange(EVENTS)]
    assert [(event["type"], event["name"], event["value"]) for event in events] == [
        ("epoch", "E1", "E1"),
        ("space", "a/b/c", '{"x":1}'),
        ("space", "a/b/d", '{"x":2}'),
        ("space", "a/b/c", ""),
        ("key", "k", '{"kid":"k"}'),
        ("preset", "a/p", '{"operations":"w_1"}'),
    ]


def test_what_did_not_change_is_no_news(snapshot, client):
    snapshot.publish("E1", CONTENT)
    snapshot.put("space", dict(CONTENT.spaces))
    snapshot.put("space", {"never/was/there": None})
    assert client.xlen(EVENTS) == 1


def test_generations_only_grow(snapshot, client):
    snapshot.publish("E1", CONTENT)
    for number in (2, 1, 7, 7, 6):
        snapshot.raise_generations({"*": number})
    snapshot.raise_generations({"o:acme": 1})
    assert snapshot.read().content.generations == {"*": 7, f"a:{ULID}": 5, "o:acme": 1}
    assert [fields for _, fields in client.xrange(EVENTS)][1:] == [
        {"type": "generation", "name": "*", "value": "7", "delta": "5"},
        {"type": "generation", "name": "o:acme", "value": "1", "delta": "1"},
    ]


def test_large_generations_are_exact(snapshot):
    snapshot.publish("E1", EMPTY)
    snapshot.raise_generations({"*": 2**53 - 2})
    snapshot.raise_generations({"*": 2**53 - 1})
    assert snapshot.read().content.generations == {"*": 2**53 - 1}


def test_the_hashes_have_the_names_that_edges_read(snapshot, client):
    snapshot.publish("E1", CONTENT)
    assert client.get("mz:epoch") == "E1"
    assert {name: client.type(name) for name in ("mz:keys", "mz:generations", "mz:spaces", "mz:presets")} == {
        KEYS: "hash", GENERATIONS: "hash", SPACES: "hash", PRESETS: "hash",
    }  # fmt: skip
    assert client.type("mz:events") == "stream"


def test_one_look_finds_all_that_a_delivery_needs(snapshot):
    assert snapshot.look(ADDRESS) is None
    snapshot.publish("E1", CONTENT)
    looked = snapshot.look(ADDRESS, kid="k1", preset="hero")
    assert looked.space == {"space_id": "1"}
    assert looked.key == {"kid": "k1", "status": "active"}
    assert looked.preset == {"operations": "w_2"}
    assert looked.generations == (2, 0, 0, 0, 5, 0, 0, 0)
    bare = snapshot.look(ADDRESS, kid="k2")
    assert (bare.key, bare.preset, bare.generations) == (None, None, (2, 0, 0, 0, 5))


def test_the_scopes_of_a_cache_key():
    assert generation_scopes(ADDRESS, "hero") == [
        "*", "o:acme", "t:acme/web", "s:acme/web/shop", f"a:{ULID}",
        "p:acme/hero", "p:acme/web/hero", "p:acme/web/shop/hero",
    ]  # fmt: skip


class Follower:
    """Follows in a thread of its own and keeps what came."""

    def __init__(self, snapshot):
        self.stop, self.came, self._seen = Event(), [], 0
        self._news = Event()
        self._thread = Thread(target=self._run, args=(snapshot,))
        self._thread.start()

    def _run(self, snapshot):
        for news in snapshot.follow(self.stop):
            self.came.append(news)
            self._news.set()

    def next(self):
        while len(self.came) == self._seen:
            assert self._news.wait(20), "nothing came"
            self._news.clear()
        self._seen += 1
        return self.came[self._seen - 1]

    def end(self):
        self.stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def follower(snapshot):
    follower = Follower(snapshot)
    yield follower
    follower.end()


def test_a_follower_reads_all_and_then_each_change(snapshot, follower):
    snapshot.publish("E1", CONTENT)
    assert isinstance(follower.next(), Full)
    snapshot.put("key", {"k1": None, "k2": {"kid": "k2"}})
    snapshot.raise_generations({"*": 9})
    assert [follower.next() for _ in range(3)] == [
        Change("key", "k1", None), Change("key", "k2", {"kid": "k2"}), Change("generation", "*", 9, 7),
    ]  # fmt: skip


def test_a_new_epoch_is_read_whole(snapshot, follower):
    snapshot.publish("E1", CONTENT)
    assert follower.next().epoch == "E1"
    snapshot.publish("E2", EMPTY)
    assert (second := follower.next()).epoch == "E2"
    assert second.content == EMPTY


def test_a_follower_keeps_what_it_has_while_redis_has_nothing(snapshot, follower, client):
    snapshot.publish("E1", CONTENT)
    assert follower.next().epoch == "E1"
    client.flushall()
    snapshot.put("space", {"a/b/c": {"x": 1}})
    snapshot.publish("E2", CONTENT)
    assert follower.next().epoch == "E2"


def test_many_changes_all_come_in_order(snapshot, follower):
    snapshot.publish("E1", EMPTY)
    assert follower.next().epoch == "E1"
    for number in range(1, 2501):
        snapshot.raise_generations({"*": number})
    assert [follower.next().value for _ in range(2500)] == list(range(1, 2501))


def test_the_data_of_a_server_that_restarted_is_not_trusted(snapshot, client):
    snapshot.publish("E1", CONTENT)
    assert snapshot.epoch() == "E1"
    client.set("mz:server", "the run before")
    assert snapshot.epoch() is None
    assert snapshot.read() is None
    assert snapshot.look(ADDRESS) is None


def test_with_redis_away_all_but_following_say_so(tmp_path):
    with connect(f"unix://{tmp_path}/nothing", timeout=0.1) as away:
        snapshot = Snapshot(away)
        for ask in (
            snapshot.read, snapshot.epoch, lambda: snapshot.look(ADDRESS), lambda: snapshot.publish("E", EMPTY),
            lambda: snapshot.put("key", {"k": None}), lambda: snapshot.raise_generations({"*": 1}),
        ):  # fmt: skip
            with pytest.raises(Unavailable) as refused:
                ask()
            assert refused.value.part == "redis"
        follower = Follower(snapshot)
        follower.end()
        assert follower.came == []


def test_a_change_under_another_epoch_is_not_taken_for_one_of_this(snapshot, client):
    snapshot.publish("E1", EMPTY)
    full = snapshot.read()
    snapshot.put("key", {"k": {"kid": "k"}})
    client.set(EPOCH, "E2")
    assert list(snapshot._changes(full, Event())) == []
