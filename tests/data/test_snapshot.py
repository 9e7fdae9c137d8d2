import pytest

from mezzotint.data.redis import connect
from mezzotint.data.snapshot import EVENTS, GENERATIONS, KEYS, PRESETS, SPACES, Content, Snapshot, generation_scopes
from mezzotint.model.address import Address
from mezzotint.model.errors import Unavailable
from mezzotint.model.identifiers import from_ulid
from tests.published import content

ULID = "01JBXYZ7N8Q4W2V6M3K5T9R0AE"
ADDRESS = Address("priv", "acme", "web", "shop", from_ulid(ULID), 1, "w_100", "jpg")
CONTENT = Content(
    keys={"k1": {"kid": "k1", "status": "active"}},
    generations={"*": 2, f"a:{ULID}": 5},
    spaces={"acme/web/shop": {"space_id": "1"}},
    presets={"acme/hero": {"operations": "w_1"}, "acme/web/hero": {"operations": "w_2"}},
)
EMPTY = Content({}, {}, {}, {})


def test_what_is_published_is_read(snapshot, client):
    assert content(client) is None
    snapshot.publish("E1", CONTENT)
    assert (snapshot.epoch(), content(client)) == ("E1", CONTENT)


def test_a_publication_replaces_all_that_was(snapshot, client):
    snapshot.publish("E1", CONTENT)
    snapshot.publish("E2", EMPTY)
    assert content(client) == EMPTY
    assert snapshot.epoch() == "E2"


def test_records_are_put_and_removed_with_an_event_each(snapshot, client):
    snapshot.publish("E1", EMPTY)
    snapshot.put("space", {"a/b/c": {"x": 1}, "a/b/d": {"x": 2}})
    snapshot.put("space", {"a/b/c": None})
    snapshot.put("key", {"k": {"kid": "k"}})
    snapshot.put("preset", {"a/p": {"operations": "w_1"}})
    assert content(client) == Content({"k": {"kid": "k"}}, {}, {"a/b/d": {"x": 2}}, {"a/p": {"operations": "w_1"}})
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
    assert content(client).generations == {"*": 7, f"a:{ULID}": 5, "o:acme": 1}
    assert [fields for _, fields in client.xrange(EVENTS)][1:] == [
        {"type": "generation", "name": "*", "value": "7", "delta": "5"},
        {"type": "generation", "name": "o:acme", "value": "1", "delta": "1"},
    ]


def test_large_generations_are_exact(snapshot, client):
    snapshot.publish("E1", EMPTY)
    snapshot.raise_generations({"*": 2**53 - 2})
    snapshot.raise_generations({"*": 2**53 - 1})
    assert content(client).generations == {"*": 2**53 - 1}


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


def test_the_data_of_a_server_that_restarted_is_not_trusted(snapshot, client):
    snapshot.publish("E1", CONTENT)
    assert snapshot.epoch() == "E1"
    client.set("mz:server", "the run before")
    assert snapshot.epoch() is None
    assert snapshot.look(ADDRESS) is None


def test_with_redis_away_everything_says_so(tmp_path):
    with connect(f"unix://{tmp_path}/nothing", timeout=0.1) as away:
        snapshot = Snapshot(away)
        for ask in (
            snapshot.epoch, lambda: snapshot.look(ADDRESS), lambda: snapshot.publish("E", EMPTY),
            lambda: snapshot.put("key", {"k": None}), lambda: snapshot.raise_generations({"*": 1}),
        ):  # fmt: skip
            with pytest.raises(Unavailable) as refused:
                ask()
            assert refused.value.part == "redis"
