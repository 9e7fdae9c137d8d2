"""scripts/rotate-keys on a running installation: edges follow, nothing is reloaded, nothing that was signed breaks."""

import time
from pathlib import Path

import pytest
import requests

from tests.imaging.pictures import gradient

SCRIPT = Path(__file__).parents[2] / "scripts/rotate-keys"
PATIENCE = 30.0
"""seconds; an edge follows within one, but the machine may be busy"""


@pytest.fixture
def rotate(shell):
    return lambda *words: shell(str(SCRIPT), *words)


@pytest.fixture
def signed(stack):
    """A private picture of a tenant of its own; signs its URL anew."""

    def control(path: str, **body):
        answer = stack.control.post(stack.base_url + path, **body)
        assert answer.ok, answer.text
        return answer.json()

    control("/v1/organizations", json={"slug": "rotating"})
    control("/v1/organizations/rotating/tenants", json={"slug": "web"})
    control("/v1/organizations/rotating/tenants/web/spaces", json={"slug": "all"})
    control("/v1/signing-keys", json={"organization": "rotating", "tenant": "web"})
    where = {"organization": "rotating", "tenant": "web", "space": "all", "access": "private"}
    asset = control("/v1/assets", data=where, files={"file": ("a.jpg", gradient(90, 60).jpegsave_buffer())})
    return lambda: control("/v1/sign", json={"asset": asset["id"], "operations": "w_40", "ext": "jpg"})


def test_rotation(stack, rotate, signed):
    before = signed()
    await_status(before["url"], 200)
    assert before["kid"] in rotate("--dry-run", "rotating/web")
    assert signed()["kid"] == before["kid"]
    assert "1 rotated" in rotate("rotating/web")
    assert "1 left alone" in rotate("rotating/web")
    after = signed()
    assert after["kid"] != before["kid"]
    assert requests.get(before["url"]).status_code == 200
    await_status(after["url"], 200)
    stack.control.post(f"{stack.base_url}/v1/signing-keys/{before['kid']}/revoke").raise_for_status()
    await_status(before["url"], 401)
    assert requests.get(after["url"]).status_code == 200


def await_status(url: str, status: int) -> None:
    end = time.monotonic() + PATIENCE
    while (seen := requests.get(url).status_code) != status:
        assert time.monotonic() < end, seen
        time.sleep(0.05)
