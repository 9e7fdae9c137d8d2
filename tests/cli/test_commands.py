"""The operator's command, end to end."""

import json
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import pyvips
from click.testing import CliRunner

from mezzotint.cli import main
from mezzotint.data import jobs
from mezzotint.data import quarantine as quarantined
from mezzotint.model.identifiers import to_ulid
from mezzotint.model.quarantine import STRIKES
from tests.servers.places import tenant_of


def commands(group, path=()):
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_every_command_explains_itself(path):
    result = CliRunner().invoke(main, [*path, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


def test_help_waits_for_no_library_that_only_work_needs():
    heavy = {"psycopg", "redis", "cryptography", "minio", "flask", "pyvips", "alembic"}
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, mezzotint.cli; print(*sys.modules)"], check=True, capture_output=True
    )
    assert not heavy & set(loaded.stdout.decode().split())


def test_renderers_hold_nothing_of_stores_and_databases():
    strangers = {"psycopg", "redis", "cryptography", "minio", "flask", "jwt", "mezzotint.services.deliver"}
    code = "import sys, mezzotint.cli; from mezzotint import pools, registry; registry.load(['standard'])"
    loaded = subprocess.run([sys.executable, "-c", f"{code}; print(*sys.modules)"], check=True, capture_output=True)
    assert not strangers & set(loaded.stdout.decode().split())


OF_ENDPOINTS = {
    "/v1/organizations": {"POST": "organizations create", "GET": "organizations list"},
    "/v1/organizations/{organization}": {"GET": "organizations show", "DELETE": "organizations delete"},
    "/v1/organizations/{organization}/tenants": {"POST": "tenants create", "GET": "tenants list"},
    "/v1/organizations/{organization}/tenants/{tenant}": {"GET": "tenants show", "DELETE": "tenants delete"},
    "/v1/organizations/{organization}/tenants/{tenant}/spaces": {"POST": "spaces create", "GET": "spaces list"},
    "/v1/organizations/{organization}/tenants/{tenant}/spaces/{space}": {
        "GET": "spaces show",
        "DELETE": "spaces delete",
    },
    "/v1/assets": {"POST": "upload", "GET": "assets list"},
    "/v1/assets/{asset}": {"GET": "assets show", "DELETE": "assets delete"},
    "/v1/assets/{asset}/versions": {"POST": "upload"},
    "/v1/assets/{asset}/invalidate": {"POST": "invalidate"},
    "/v1/presets": {"POST": "presets create", "GET": "presets list"},
    "/v1/presets/{preset}": {"GET": "presets show", "PATCH": "presets update", "DELETE": "presets delete"},
    "/v1/sign": {"POST": "sign"},
    "/v1/signing-keys": {"POST": "signing-keys create", "GET": "signing-keys list"},
    "/v1/signing-keys/{kid}/rotate": {"POST": "signing-keys rotate"},
    "/v1/signing-keys/{kid}/revoke": {"POST": "signing-keys revoke"},
    "/v1/api-keys": {"POST": "api-keys create", "GET": "api-keys list"},
    "/v1/api-keys/{key}": {"DELETE": "api-keys revoke"},
} | {
    f"/v1/organizations/{below}policy": {"GET": "policies show", "PUT": "policies set"}
    for below in (
        "{organization}/",
        "{organization}/tenants/{tenant}/",
        "{organization}/tenants/{tenant}/spaces/{space}/",
    )
}
FOR_BROWSERS = {"/v1/tokens", "/v1/uploads", "/v1/uploads/{upload}/complete"}
FOR_KEYS = {"/v1/caller"}


def test_every_endpoint_has_its_command():
    page = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")
    endpoints = {
        (path, method)
        for methods, path in re.findall(r"^\| ((?:`[A-Z]+` ?)+) \| `(/v1/[^`]+)` \|", page, re.MULTILINE)
        for method in re.findall(r"\w+", methods)
        if path not in FOR_BROWSERS | FOR_KEYS
    }
    assert {(path, method) for path, named in OF_ENDPOINTS.items() for method in named} == endpoints
    there = {" ".join(path) for path in commands(main)}
    assert {command for named in OF_ENDPOINTS.values() for command in named.values()} <= there


def test_from_nothing_to_a_signed_url(told, mezzotint, picture):
    told("organizations", "create", "shoes", "--name", "Shoes & Co")
    told("tenants", "create", "shoes/web")
    space = told("spaces", "create", "shoes/web/hero")
    assert space["path"] == "shoes/web/hero"
    assert told("spaces", "show", "shoes/web/hero") == space
    assert told("tenants", "show", "shoes/web")["path"] == "shoes/web"
    assert told("organizations", "show", "shoes")["name"] == "Shoes & Co"
    assert [one["path"] for one in told("spaces", "list", "shoes/web")] == ["shoes/web/hero"]
    key = told("signing-keys", "create", "shoes/web")
    (asset,) = told("upload", str(picture), "--to", "shoes/web/hero", "--tag", "a", "--tag", "b", "--access", "private")
    assert (asset["outcome"], asset["tags"], asset["access"]) == ("created", ["a", "b"], "private")
    signed = told("sign", asset["id"], "w_32.jpg")
    assert signed["kid"] == key["kid"]
    assert told("sign", signed["url"], "--lifetime", "60")["url"].startswith(signed["url"].partition("?")[0])
    assert [one["id"] for one in told("assets", "list", "shoes/web/hero", "--tag", "b")] == [asset["id"]]
    assert told("assets", "show", asset["id"])["versions"][0]["state"] == "ready"
    mezzotint("invalidate", asset["id"])
    mezzotint("assets", "delete", asset["id"])
    assert told("assets", "list", "shoes/web/hero") == []
    mezzotint("spaces", "delete", "shoes/web/hero", "--yes")
    mezzotint("tenants", "delete", "shoes/web", "--yes")
    mezzotint("organizations", "delete", "shoes", "--yes")
    assert "shoes" not in [one["slug"] for one in told("organizations", "list")]


def test_an_upload_of_what_is_there(told, place, picture):
    words = ("upload", str(picture), "--to", place.path)
    assert [told(*words)[0]["outcome"] for _ in range(2)] == ["created", "already there"]


def test_versions(told, mezzotint, place, picture, tmp_path):
    (asset,) = told("upload", str(picture), "--to", place.path)
    other = tmp_path / "other.png"
    pyvips.Image.black(9, 9).pngsave(str(other))
    (second,) = told("upload", str(other), "--version-of", asset["id"])
    assert (second["id"], second["version"], second["format"]) == (asset["id"], 2, "png")
    (third,) = told("upload", str(picture), "--version-of", asset["id"], "--name", "sea.jpg")
    assert (third["version"], third["name"]) == (3, "sea.jpg")
    mezzotint("upload", str(picture), str(other), "--to", place.path, "--name", "sea.jpg", fails=True)
    told("signing-keys", "create", f"{place.organization}/{place.tenant}")
    assert "/v3/" in told("sign", asset["id"], "w_32.jpg")["url"]
    url = told("sign", asset["id"], "w_32.jpg", "--version", "2")["url"]
    assert "/v2/" in url
    mezzotint("sign", url, "--version", "2", fails=True)


def test_presets(told, mezzotint, place):
    preset = told("presets", "create", place.path, "thumb", "h_2-w_1", "--match-tag", "hero", "--auto-generate")
    assert (preset["operations"], preset["match_tags"]) == ("w_1-h_2", ["hero"])
    assert told("presets", "show", preset["id"]) == preset
    assert told("presets", "update", preset["id"], "bw")["operations"] == "bw"
    changed = told("presets", "update", preset["id"], "--no-auto-generate", "--match-folder", "a/b")
    assert (changed["operations"], changed["auto_generate"]) == ("bw", False)
    assert (changed["match_tags"], changed["match_folders"]) == (["hero"], ["a/b"])
    changed = told("presets", "update", preset["id"], "--match-all")
    assert (changed["match_tags"], changed["match_folders"]) == ([], [])
    mezzotint("presets", "update", preset["id"], "--match-all", "--match-tag", "x", fails=True)
    assert [one["name"] for one in told("presets", "list", place.path)] == ["thumb"]
    mezzotint("presets", "delete", preset["id"])
    assert told("presets", "list", place.path) == []


def test_usage_is_told(told, mezzotint, place, picture):
    told("upload", str(picture), "--to", place.path)
    owner = f"{place.organization}/{place.tenant}"
    assert told("usage", owner) == {"upload_bytes": picture.stat().st_size, "uploads": 1}
    assert told("usage", place.path)["uploads"] == 1
    assert told("usage", place.path, "--until", "2020-01-31") == {}
    mezzotint("usage", f"{owner}/nowhere", fails=True)


def test_policies_change_value_by_value(told, place):
    owner = f"{place.organization}/{place.tenant}"
    told("policies", "set", owner, "max_lifetime=60", "presets_only=yes", "allowed_formats=jpg,webp")
    own = told("policies", "set", owner, "presets_only=", "default_access=private")["own"]
    assert (own["max_lifetime"], own["presets_only"], own["allowed_formats"]) == (60, None, ["jpg", "webp"])
    assert told("policies", "show", place.path)["effective"]["default_access"] == "private"


@pytest.mark.parametrize("value", ["max_lifetime", "colour=red", "max_lifetime=long", "presets_only=perhaps"])
def test_a_wrong_policy_is_explained(mezzotint, place, value):
    assert value.partition("=")[0] in mezzotint("policies", "set", place.path, value, fails=True).output


def test_api_keys(told, mezzotint, place, house):
    owner = f"{place.organization}/{place.tenant}"
    key = told("api-keys", "create", "reader", "--for", owner, "--scope", "assets:read", "--scope", "sign")
    assert house.api_keys.authenticate(key["key"]).scopes == {"assets:read", "sign"}
    mezzotint("api-keys", "revoke", key["id"])
    (listed,) = [one for one in told("api-keys", "list") if one["id"] == key["id"]]
    assert listed["revoked_at"]
    assert "key" not in listed


def test_rotation_is_safe_to_run_twice(told, mezzotint, place):
    owner = f"{place.organization}/{place.tenant}"
    key = told("signing-keys", "create", owner)
    (planned,) = told("signing-keys", "rotate", owner, "--dry-run")
    assert (planned["kid"], planned["outcome"], planned["successor"]) == (key["kid"], "would rotate", None)
    (first,) = told("signing-keys", "rotate", owner, "--grace", "600")
    (second,) = told("signing-keys", "rotate", owner, "--grace", "600")
    (third,) = told("signing-keys", "rotate", "--kid", key["kid"])
    assert [one["outcome"] for one in (first, second, third)] == ["rotated", "left alone", "left alone"]
    assert first["successor"] == second["successor"] == third["successor"]
    assert [one["status"] for one in told("signing-keys", "list", owner)] == ["grace", "active"]
    assert "1 left alone" in mezzotint("signing-keys", "rotate", owner).output


def test_secrets_are_shown_when_asked_for(told, place):
    owner = f"{place.organization}/{place.tenant}"
    told("signing-keys", "create", owner)
    (hidden,) = told("signing-keys", "rotate", owner, "--grace", "0")
    (shown,) = told("signing-keys", "rotate", owner, "--grace", "0", "--show-secrets")
    assert "secret" not in hidden
    assert len(shown["secret"]) == 64


def test_all_keys_are_rotated(told, place):
    for owner in (place.organization, f"{place.organization}/{place.tenant}"):
        told("signing-keys", "create", owner)
    rotated = [one["owner"] for one in told("signing-keys", "rotate", "--all", "--dry-run")]
    assert {place.organization, f"{place.organization}/{place.tenant}"} <= set(rotated)


def test_the_language(mezzotint, told):
    table = json.loads(mezzotint("grammar").output)
    keys = {key for operation in told("operations") for key in operation["keys"]}
    assert keys == {token["key"] for token in table["tokens"]}


def test_an_installation_looks_after_itself(mezzotint, told, config):
    mezzotint("migrate")
    mezzotint("publish")
    facts = told("doctor")
    parts = {part["part"]: part["ok"] for part in facts["parts"]}
    assert set(parts) >= {"database", "redis", "renderers"}
    assert all(parts.values())
    assert facts["stores"] == ", ".join(f"{name}=file://{config.parent}/{name}" for name in ("originals", "variants"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tenants", "list", "nobody"), "Not found"),
        (("tenants", "create", "nobody"), "ORGANIZATION/TENANT"),
        (("organizations", "create", "Nobody"), "slug: "),
        (("assets", "show", "x"), "26 characters"),
        (("upload", "/nothing", "--to", "a/b/c"), "No such file"),
        (("signing-keys", "rotate"), "say which"),
        (("api-keys", "create", "x"), "say what it opens"),
    ],
)
def test_mistakes_are_explained_in_a_line(mezzotint, words, said):
    output = mezzotint(*words, fails=True).output
    assert said in output
    assert "Traceback" not in output


def test_without_settings_there_is_one_clear_line(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MEZZOTINT_CONFIG", raising=False)
    result = CliRunner().invoke(main, ["organizations", "list"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: no settings")


def test_settings_that_may_not_be_read_are_told_of_in_one_line(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MEZZOTINT_CONFIG", raising=False)

    def closed(path: Path, *_args: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    for name in ("exists", "stat", "read_text"):
        monkeypatch.setattr(Path, name, closed)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    result = CliRunner().invoke(main, ["organizations", "list"])
    assert (result.exit_code, result.output) == (1, "Error: var/mezzotint.toml: Permission denied\n")


def test_a_database_is_made_from_nothing_and_again(postgres, config, tmp_path):
    """As on a PostgreSQL of the operator's own: roles, database and schema, by the superuser's DSN."""
    other = tmp_path / "mezzotint.toml"
    other.write_text(config.read_text().replace("/mezzotint?", "/mezzotint_other?"))
    words = ["--config", str(other), "create-database", "--superuser-dsn", postgres.admin_dsn]
    try:
        for _ in range(2):
            result = CliRunner().invoke(main, words)
            assert (result.exit_code, result.stdout) == (0, "the database is ready\n"), result.output
        made = CliRunner().invoke(main, ["--config", str(other), "organizations", "list", "--json"])
        assert json.loads(made.stdout) == []
    finally:
        with psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:
            connection.execute("DROP DATABASE mezzotint_other WITH (FORCE)")


def test_roles_by_other_names_are_refused(postgres, config, tmp_path):
    other = tmp_path / "mezzotint.toml"
    other.write_text(config.read_text().replace("//mezzotint_app:", "//somebody:"))
    result = CliRunner().invoke(
        main, ["--config", str(other), "create-database", "--superuser-dsn", postgres.admin_dsn]
    )
    assert result.exit_code == 1
    assert "database.app_dsn: names the role mezzotint_app and its password" in result.output


def test_failed_jobs_are_shown_tried_again_and_dropped(house, told, mezzotint):
    with house.database.operator() as tx:
        one, other = (jobs.enqueue(tx, "discard", {"store": "variants", "key": f"none/{n}"}) for n in range(2))
        for identifier in (one, other):
            jobs.fail(tx, identifier, "the store is away", retry_in=None)
    shown = {job["id"]: job for job in told("jobs", "list", "--state", "failed")}
    assert shown[to_ulid(one)]["error"] == "the store is away"
    assert '{"key": "none/0", "store": "variants"}' in mezzotint("jobs", "list", "--state", "failed").output
    assert "[JOB]..." in mezzotint("jobs", "retry", "--help").output
    assert "1 will be tried again" in mezzotint("jobs", "retry", to_ulid(one)).output
    assert "1 forgotten" in mezzotint("jobs", "drop", to_ulid(other)).output
    assert not {to_ulid(one), to_ulid(other)} & {job["id"] for job in told("jobs", "list", "--state", "failed")}
    while house.work.one():
        pass
    assert to_ulid(one) not in {job["id"] for job in told("jobs", "list")}
    mezzotint("jobs", "retry", fails=True)


def test_the_audit_log_is_shown_and_verified(told, mezzotint, place, postgres, tmp_path):
    told("spaces", "create", f"{place.organization}/{place.tenant}/audited")
    mezzotint("spaces", "delete", f"{place.organization}/{place.tenant}/audited", "--yes")
    newest, before, *_ = told("audit", "list", f"{place.organization}/{place.tenant}")
    assert [newest["action"], before["action"]] == ["space.delete", "space.create"]
    assert told("audit", "list", "--limit", "1") == [newest]
    assert told("audit", "list", place.organization, "--before", str(newest["sequence"]))[0] == before
    mezzotint("audit", "list", "no-such-organization", fails=True)

    kept = tmp_path / "heads.json"
    kept.write_text(mezzotint("audit", "verify", "--json").stdout)
    assert "0 faults" in mezzotint("audit", "verify", "--since", str(kept)).stdout
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:

        def rewrite(statement: str) -> None:
            connection.execute("ALTER TABLE audit_log DISABLE TRIGGER append_only")
            connection.execute(statement.encode(), (newest["sequence"],))
            connection.execute("ALTER TABLE audit_log ENABLE TRIGGER append_only")

        rewrite("UPDATE audit_log SET actor = actor || '!' WHERE sequence = %s")
        refused = mezzotint("audit", "verify", fails=True).stdout
        assert f"(sequence {newest['sequence']}) is not what was written" in refused
        rewrite("DELETE FROM audit_log WHERE sequence = %s")
    mezzotint("audit", "verify")
    assert "is gone" in mezzotint("audit", "verify", "--since", str(kept), fails=True).stdout
    kept.write_text("[]")
    assert "is no answer" in mezzotint("audit", "verify", "--since", str(kept), fails=True).stderr


def test_quarantine_is_listed_and_released(mezzotint, told, house, place):
    content_hash = "ab" * 32
    tenant = tenant_of(house, place)
    with house.database.operator() as tx:
        for _ in range(STRIKES):
            quarantined.strike(tx, tenant.id, content_hash, "it broke a renderer")
    [held] = told("quarantine", "list")
    assert (held["sha256"], held["reason"], held["strikes"]) == (content_hash, "it broke a renderer", STRIKES)
    assert content_hash in mezzotint("quarantine", "list").output
    assert "released at 1 tenant" in mezzotint("quarantine", "release", content_hash.upper()).output
    assert told("quarantine", "list") == []
    assert "quarantine" in mezzotint("quarantine", "release", content_hash, fails=True).output
