"""What is refused before it costs anything."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from mezzotint.web.admission import Admission
from mezzotint.web.delivery import in_front

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Application:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [b""]


def picture(tenant: str) -> str:
    return f"/v1/pub/acme/{tenant}/main/img/01JBXYZ7N8Q4W2V6M3K5T9R0AE/v1/w_100.jpg"


def ask(door: "WSGIApplication", path: str) -> tuple[str, dict[str, str], Iterable[bytes]]:
    told: list[Any] = []
    body = door({"PATH_INFO": path}, lambda status, headers, _error=None: told.extend((status, dict(headers))))
    return told[0], told[1], body


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def door(application: Application) -> Admission:
    return Admission(application, 2)


def test_as_many_as_fit_and_no_more(door: Admission, application: Application) -> None:
    under_way = [ask(door, picture("web"))[2] for _ in range(2)]
    status, headers, body = ask(door, picture("web"))
    assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "1")
    assert json.loads(b"".join(body))["code"] == "overloaded"
    assert len(application.asked) == 2
    under_way[0].close()  # type: ignore[attr-defined]
    assert ask(door, picture("web"))[0] == "200 OK"


def test_what_fails_leaves_its_place_to_the_next() -> None:
    def fails(*_: object) -> Iterable[bytes]:
        raise RuntimeError("a defect")

    door = Admission(fails, 1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            ask(door, picture("web"))


@pytest.mark.parametrize("path", [picture("web"), "//v1/priv/acme", "/v1//pub/"])
def test_no_other_spelling_passes_by(door: Admission, application: Application, path: str) -> None:
    site = in_front(door, application)
    for _ in range(2):
        ask(site, picture("web"))
    assert ask(site, path)[0] == "503 Service Unavailable"


@pytest.mark.parametrize("path", ["/v1/assets", "/livez", "/v1/public", "/"])
def test_control_plane_always_passes(door: Admission, application: Application, path: str) -> None:
    site = in_front(door, application)
    for _ in range(2):
        ask(site, picture("web"))
    assert ask(site, path)[0] == "200 OK"
