"""One running installation, and a space of its own for every module that travels through it."""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
import pyvips
import requests

from tests.servers.installation import Stack

_numbers = itertools.count()


def picture(width: int = 640, height: int = 480, seed: int = 1) -> bytes:
    """A JPEG like no other: soft noise, so that sizes and qualities make a difference."""
    noise = pyvips.Image.gaussnoise(width, height, seed=seed, mean=128, sigma=40).gaussblur(3).cast("uchar")
    return (
        noise.bandjoin([noise.flip("horizontal"), noise.flip("vertical")]).copy(interpretation="srgb").jpegsave_buffer()
    )


@dataclass(frozen=True)
class Home:
    """A space and the means to work in it."""

    stack: Stack
    organization: str
    tenant: str
    space: str

    @property
    def place(self) -> dict[str, str]:
        return {"organization": self.organization, "tenant": self.tenant, "space": self.space}

    @property
    def owner(self) -> dict[str, str]:
        return {"organization": self.organization, "tenant": self.tenant}

    def post(self, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        return self.stack.control.post(f"{self.stack.base_url}{path}", json=body or {})

    def upload(self, data: bytes, name: str = "picture.jpg", **fields: str) -> requests.Response:
        return self.stack.control.post(
            f"{self.stack.base_url}/v1/assets", files={"file": (name, data)}, data={**self.place, **fields}
        )

    def asset(self, seed: int, **fields: str) -> dict[str, Any]:
        answer = self.upload(picture(seed=seed), **fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def url(self, asset: dict[str, Any], name: str, access: str = "pub") -> str:
        path = f"/v1/{access}/{self.organization}/{self.tenant}/{self.space}/img/{asset['id']}/v1/{name}"
        return self.stack.base_url + path

    def sign(self, url: str, **more: Any) -> str:
        answer = self.post("/v1/sign", {"url": url, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()["url"]


def settle(stack: Stack, name: str = "journey") -> Home:
    """A new organization with a tenant, a space and a signing key."""
    home = Home(stack, f"{name}-{next(_numbers)}", "web", "main")
    for path, body in (
        ("/v1/organizations", {"slug": home.organization, "name": "Journey"}),
        (f"/v1/organizations/{home.organization}/tenants", {"slug": home.tenant, "name": "Web"}),
        (f"/v1/organizations/{home.organization}/tenants/{home.tenant}/spaces", {"slug": home.space, "name": "Main"}),
        ("/v1/signing-keys", home.owner),
    ):
        answer = home.post(path, body)
        assert answer.status_code == 201, (path, answer.text)
    return home


@pytest.fixture(scope="module")
def home(stack: Stack) -> Home:
    return settle(stack)
