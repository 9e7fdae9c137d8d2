"""Every endpoint asked with another's identifiers: the answer is that for what does not exist, and nothing changes."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mezzotint.data import uploads
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.services.reach import find_place
from mezzotint.wiring import House
from tests.imaging.pictures import gradient
from tests.servers.places import OPERATOR, Names
from tests.web.conftest import Api

World = dict[str, str]
"""What there is in one tenant, by the names that routes give it."""

ULID = "01JBXYZ7N8Q4W2V6M3K5T9R0AE"
NOTHING: World = {
    "organization": "no-such-organization", "tenant": "no-such-tenant", "space": "no-such-space", "asset": ULID,
    "preset": ULID, "kid": "no-such-kid", "key": ULID, "upload": ULID,
}  # fmt: skip
OWNER, WITHIN = ("organization", "tenant"), ("organization", "tenant", "space")


def within(world: World, names: tuple[str, ...] = WITHIN, **more: Any) -> dict[str, Any]:
    return {name: world[name] for name in names} | more


def picture(width: int, **fields: str) -> dict[str, Any]:
    return {"data": fields | {"file": (io.BytesIO(gradient(width, 31).jpegsave_buffer()), "a.jpg")}}


REQUESTS: dict[str, Callable[[World], dict[str, Any]]] = {
    "POST /v1/organizations": lambda _: {"json": {"slug": "brand-new"}},
    "POST /v1/organizations/<organization>/tenants": lambda _: {"json": {"slug": "brand-new"}},
    "POST /v1/organizations/<organization>/tenants/<tenant>/spaces": lambda _: {"json": {"slug": "brand-new"}},
    "POST /v1/assets": lambda world: picture(61, **within(world)),
    "GET /v1/assets": lambda world: {"query_string": within(world)},
    "POST /v1/assets/<asset>/versions": lambda _: picture(62),
    "POST /v1/uploads": lambda world: {"json": within(world, name="a.jpg", size=9)},
    "POST /v1/presets": lambda world: {"json": within(world, name="brand_new", operations="w_5")},
    "GET /v1/presets": lambda world: {"query_string": within(world)},
    "PATCH /v1/presets/<preset>": lambda _: {"json": {"operations": "w_6"}},
    "POST /v1/sign": lambda world: {"json": {"asset": world["asset"], "operations": "w_7", "ext": "jpg"}},
    "POST /v1/signing-keys": lambda world: {"json": within(world, OWNER)},
    "GET /v1/signing-keys": lambda world: {"query_string": within(world, OWNER)},
    "POST /v1/api-keys": lambda world: {"json": within(world, OWNER, name="brand new", scopes=["sign"])},
    "POST /v1/tokens": lambda _: {"json": {"scopes": ["sign"]}},
}
"""What an endpoint needs beside its path; an empty object when it is not listed."""
UNDERSTOOD = ("forbidden", "not_offered", "conflict")
"""How an owner is refused: by scope, and direct uploads by a store that is a folder."""


@dataclass(frozen=True)
class Endpoint:
    method: str
    rule: str
    names: frozenset[str]

    def ask(self, api: Api, world: World) -> TestResponse:
        path = self.rule
        for name in self.names:
            path = path.replace(f"<{name}>", world[name])
        body = {} if self.method == "GET" else {"json": {}}
        return api(self.method, path, **REQUESTS.get(f"{self.method} {self.rule}", lambda _: body)(world))

    @property
    def names_something(self) -> bool:
        """Whether the request says what it is about."""
        told = str(REQUESTS.get(f"{self.method} {self.rule}", lambda _: {})({name: f"<{name}>" for name in NOTHING}))
        return bool(self.names) or any(f"<{name}>" in told for name in NOTHING)


def endpoints(app: Flask) -> list[Endpoint]:
    """All of the control plane, in an order in which what one deletes no other one needs."""
    found = [
        Endpoint(method, rule.rule, frozenset(rule.arguments))
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].__module__.startswith("mezzotint.web.api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    ]
    return sorted(
        found,
        key=lambda each: (
            each.method == "DELETE", each.method == "DELETE" and "organizations" in each.rule,
            "revoke" in each.rule, "rotate" in each.rule, -each.rule.count("/"), each.rule, each.method,
        ),
    )  # fmt: skip


def announced(house: House, names: Names) -> str:
    """An upload on its way; the store of these tests has no URLs to announce one with."""
    with house.database.operator() as tx:
        place = find_place(tx, OPERATOR, names.organization, names.tenant, names.space)
    identifier = new_id()
    with house.database.scoped(place.scope) as tx:
        uploads.insert(
            tx, place.space.id, identifier, file_name="a.jpg", access=None, folder="", tags=(), bytes=9,
            content_hash=None, store="originals", key=f"incoming/{to_ulid(identifier)}", seconds=60,
        )  # fmt: skip
    return to_ulid(identifier)


@pytest.fixture
def fill(operator: Api, house: House) -> Callable[[Names], World]:
    """One of each in a tenant."""

    def of(place: Names) -> World:
        def made(path: str, **body: Any) -> dict[str, Any]:
            answer = operator("POST", path, json={"organization": place.organization, "tenant": place.tenant} | body)
            assert answer.status_code == 201, answer.text
            return answer.get_json()

        asset = operator.upload(gradient(63, 31).jpegsave_buffer(), **place.fields)
        return place.fields | {
            "upload": announced(house, place),
            "asset": asset.get_json()["id"],
            "preset": made("/v1/presets", space=place.space, name="thumb", operations="w_9")["id"],
            "kid": made("/v1/signing-keys")["kid"],
            "key": made("/v1/api-keys", name="k", scopes=["sign"])["id"],
        }

    return of


@pytest.fixture
def traces(postgres) -> Callable[[str, str], dict[str, list[str]]]:
    """Every row of a tenant in every table, as text."""

    def of(organization: str, tenant: str) -> dict[str, list[str]]:
        with psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:
            ask = lambda query, *values: connection.execute(query.encode(), values).fetchall()  # noqa: E731
            ((identifier,),) = ask(
                """SELECT t.id FROM tenants t JOIN organizations o ON o.id = t.organization_id
                WHERE o.slug = %s AND t.slug = %s""",
                organization,
                tenant,
            )
            tables = ask(
                """SELECT table_name FROM information_schema.columns
                WHERE column_name = 'tenant_id' AND table_schema = 'public'"""
            )
            return {
                table: sorted(row for (row,) in ask(f"SELECT t::text FROM {table} t WHERE tenant_id = %s", identifier))
                for (table,) in tables
            }

    return of


def told(answer: TestResponse) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
    """All that a client can see, but for what differs from one request to the next anyway."""
    headers = [each for each in answer.headers if each[0] not in ("X-Request-Id", "Content-Length")]
    return answer.status_code, (answer.get_json(silent=True) or {}) | {"request_id": None}, headers


@pytest.mark.parametrize(
    ("as_tenant", "of_the_same_organization"),
    [(True, True), (True, False), (False, False)],
    ids=["tenant and its neighbour", "tenant and a stranger", "organization and a stranger"],
)
def test_another_s_is_like_what_is_missing(
    app, api, place, neighbour, stranger, fill, traces, as_tenant, of_the_same_organization
):
    other = neighbour if of_the_same_organization else stranger
    theirs, mine = fill(other), fill(place)
    missing = NOTHING | ({"organization": place.organization} if of_the_same_organization else {})
    before = traces(other.organization, other.tenant)
    asked = 0
    for endpoint in endpoints(app):
        one = api(place.organization, place.tenant if as_tenant else None)
        own = endpoint.ask(one, mine)
        possible = own.status_code < 300 or own.get_json()["code"] in UNDERSTOOD
        assert possible, (endpoint, own.text)
        secret = {theirs[name] for name in ("asset", "preset", "kid", "key", "upload", "space")}
        assert not any(name in own.text for name in secret), endpoint
        if endpoint.names_something and not (of_the_same_organization and endpoint.names == {"organization"}):
            asked += 1
            foreign, absent = endpoint.ask(one, theirs), endpoint.ask(one, missing)
            assert told(foreign) == told(absent), endpoint
            assert foreign.get_json()["code"] in ("not_found", "forbidden"), (endpoint, foreign.text)
    assert asked > 20
    assert traces(other.organization, other.tenant) == before


@pytest.mark.parametrize("name", ["w_10.jpg", "preset_thumb.jpg", "info.json", "original.jpg"])
@pytest.mark.parametrize("access", ["pub", "priv"])
def test_no_picture_is_found_under_another_s_name(app, operator, place, neighbour, fill, access, name):
    mine, theirs = fill(place), fill(neighbour)
    hidden = operator.upload(gradient(65, 31).jpegsave_buffer(), **neighbour.fields, access="private").get_json()["id"]
    key = operator("POST", "/v1/signing-keys", json=within(mine, OWNER)).get_json()

    def ask(path: str, asset: str) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        target = f"/v1/{access}/{path}/img/{asset}/v1/{name}"
        if access == "priv":
            from mezzotint.services.links import signature

            secret = bytes.fromhex(key["secret"])
            sig = signature(secret, target, 4_000_000_000, "img.example.com", *path.split("/")[:2])
            target += f"?sig={sig}&exp=4000000000&kid={key['kid']}"
        status, document, headers = told(app.test_client().get(target, headers={"Host": "img.example.com"}))
        return status, document, headers

    absent = ask(f"{place.organization}/no-such/{place.space}", ULID)
    assert absent[0] == (404 if access == "pub" else 401)
    for path, asset in [(neighbour.path, mine["asset"]), (neighbour.path, ULID), (neighbour.path, hidden)]:
        assert ask(path, asset) == absent
    own = ask(place.path, theirs["asset"])
    assert own == ask(place.path, ULID)
    assert own[0] in (401, 404)
