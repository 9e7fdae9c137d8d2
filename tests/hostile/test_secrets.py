"""Secrets planted in a running installation are afterwards in no log, no error and no row as they are."""

import subprocess
from pathlib import Path

import pytest
import requests

from tests.hostile.conftest import Logs
from tests.journeys.conftest import Home
from tests.journeys.waiting import until
from tests.servers.installation import Stack


@pytest.fixture(scope="module")
def planted(home: Home, stack: Stack, logs: Logs) -> dict[str, str]:  # noqa: ARG001 (what is logged counts from here)
    """Each kind of secret, made and used, rightly and wrongly, and all of it logged."""
    api_key = home.post("/v1/api-keys", home.owner | {"name": "k", "scopes": ["assets:read", "sign"]}).json()["key"]
    signing = home.post("/v1/signing-keys", home.owner).json()["secret"]
    asset = home.asset(seed=950, access="private")
    url = home.sign(home.url(asset, "w_40.jpg", access="priv"))
    sig = url.partition("sig=")[2].partition("&")[0]
    right = [
        requests.get(f"{stack.base_url}/v1/assets", params=home.place, headers={"X-API-Key": api_key}),
        requests.get(url),
        requests.get(url + "&download=a.jpg"),
    ]
    for answer in right:
        assert answer.status_code == 200, answer.text
    token = api_key.partition(".")[2]
    answers = [
        requests.get(f"{stack.base_url}/v1/assets", headers={"Authorization": f"Bearer {api_key}x"}),
        requests.post(f"{stack.base_url}/v1/organizations", headers={"X-API-Key": api_key}, json={"slug": token}),
        requests.get(f"{stack.base_url}/v1/assets?key={api_key}"),
        requests.get(url.replace("w_40", "w_41")),
        requests.get(url + "&sig=" + sig),
        requests.get(url.replace("w_40", "zoom_1")),
        requests.get(url.replace("kid=", "kid=x")),
        requests.get(f"{stack.base_url}/nowhere?{url.partition('?')[2]}"),
        requests.get(url, headers={"Host": "evil.example"}),
    ]
    assert [answer.status_code for answer in answers if answer.ok] == []
    for answer in answers:
        assert not any(secret in answer.text for secret in (token, signing, sig)), answer.text
    # Each of nginx's workers writes its lines by itself, a second later.
    access_log = stack.folder / "log/access.log"
    until(lambda: all(answer.headers["X-Request-Id"] in access_log.read_text() for answer in right + answers))
    return {"API key": token, "signing secret": signing, "signature": sig}


def written(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


def test_no_log_holds_a_secret(planted: dict[str, str], logs: Logs, stack: Stack):
    text = logs.text + stack.output.read_text()
    assert "/v1/pub/" in text
    for what, secret in planted.items():
        assert secret not in text, what


def test_no_dump_of_the_database_holds_a_secret(planted: dict[str, str], rows):
    tables = [name for (name,) in rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    text = "".join(row for table in tables for (row,) in rows(f"SELECT t::text FROM {table} t"))
    assert "asset.create" in text
    for what, secret in planted.items():
        assert secret not in text, what
        assert secret.encode().hex() not in text, what


def test_redis_holds_no_secret(planted: dict[str, str], stack: Stack):
    dump = subprocess.run(
        ["redis-cli", "-s", str(stack.folder / "run/redis.sock"), "--raw", "HGETALL", "mz:keys"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "max_lifetime" in dump
    assert planted["signing secret"] not in dump


def test_nobody_else_can_read_what_is_kept(stack: Stack):
    for path in (stack.folder / "secrets").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    assert stack.folder.stat().st_mode & 0o007 == 0
