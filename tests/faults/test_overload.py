"""More than can be done, and clients that are slow: who is not to blame notices nothing."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest
import requests

from mezzotint.imaging.client import Renderers
from tests.faults.shop import PATIENCE, Shop, family, sha256, stopped
from tests.journeys.conftest import Home, picture
from tests.journeys.waiting import until

FLOOD = 80


@pytest.fixture(scope="module")
def neighbour(shop: Shop) -> Home:
    """Another tenant of the same organization."""
    home = Home(shop.home.stack, shop.home.organization, "neighbour", "main")
    tenants = f"/v1/organizations/{home.organization}/tenants"
    for path, slug in ((tenants, home.tenant), (f"{tenants}/{home.tenant}/spaces", home.space)):
        assert home.post(path, {"slug": slug, "name": slug}).status_code == 201
    return home


@pytest.fixture
def pool(shop: Shop) -> Renderers:
    return Renderers(shop.installation.folder / "run/renderers.sock")


def test_one_tenants_flood_leaves_the_others_through(shop: Shop, neighbour: Home, pool: Renderers):
    mine, theirs = shop.asset(seed=8001), neighbour.asset(seed=8002)
    hit = shop.home.url(mine, "w_70.jpg")
    for _ in range(2):
        assert shop.get(hit).status_code == 200
    log = shop.installation.folder / "log/renderers.log"
    before = len(log.read_text())
    wanted = [shop.home.url(mine, f"w_{width}-h_30-f_cover.jpg") for width in range(100, 100 + FLOOD)]
    order: list[str] = []
    lock = threading.Lock()

    def ask(who: str, url: str) -> requests.Response:
        answer = requests.get(url, timeout=2 * PATIENCE)
        with lock:
            order.append(who)
        return answer

    renderers = family(shop.pid("renderers"))[1:]
    with ThreadPoolExecutor(FLOOD + 1) as clients:
        with stopped(renderers):
            flood = [clients.submit(ask, "flood", url) for url in wanted]
            # As many as may wait do, and the rest was told to come again at once, while nothing moves.
            until(lambda: pool.ping().queued >= 32 and len(order) == FLOOD - pool.ping().queued - pool.ping().busy)
            refused = len(order)
            other = clients.submit(ask, "neighbour", neighbour.url(theirs, "w_71.jpg"))
            until(lambda: pool.ping().queued >= 33)
            assert shop.get(hit).headers["X-Cache"] == "HIT"
            assert shop.get("/livez").status_code == 200
            assert len(order) == refused
            # First by one renderer: of two, the machine could let one do most of the flood while the other waits.
            os.kill(next(pid for pid in renderers if os.sched_getscheduler(pid) == os.SCHED_OTHER), signal.SIGCONT)
            assert other.result().status_code == 200
        answers = [each.result() for each in flood]
    told = [answer for answer in answers if answer.status_code != 200]
    assert len(told) == refused > 0
    for answer in told:
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["Retry-After"]) >= 1
    # It came last and was rendered among the first: the tenants take turns.
    until(lambda: pool.ping().busy == 0)  # the last one is told of after its caller has its answer
    events = [json.loads(line) for line in log.read_text()[before:].splitlines() if '"kind": "render"' in line]
    tenants = [event["tenant"] for event in events if event["event"] == "job_done"]
    (alone,) = [tenant for tenant in set(tenants) if tenants.count(tenant) == 1]
    assert tenants.index(alone) < 10 < len(tenants)


class Slow:
    """A client with a tiny buffer that sends and reads only what it is told to."""

    def __init__(self, shop: Shop) -> None:
        address = urlsplit(shop.base_url)
        self.host = address.netloc
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((address.hostname or "", address.port or 80))

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, bytes]:
        response = HTTPResponse(self.socket)
        response.begin()
        return response.status, response.read()


@pytest.fixture
def slow() -> Iterator[list[Slow]]:
    clients: list[Slow] = []
    yield clients
    for client in clients:
        with suppress(OSError):
            client.socket.close()


def test_slow_clients_hold_no_renderer_and_no_origin(shop: Shop, slow: list[Slow], pool: Renderers):
    """While they dawdle the origin is restarted under them: whatever it had left to do for one would be lost."""
    asset = shop.home.asset(seed=8003)
    large = shop.home.url(asset, "w_1600-h_1200-up.png")
    key = shop.home.stack.control.headers["X-API-Key"]
    upload = picture(800, 600, seed=8004)
    body = b""
    for name, value in shop.home.place.items():
        body += f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    body += (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="slow.jpg"\r\n\r\n' + upload + b"\r\n--b--\r\n"
    )

    def client() -> Slow:
        slow.append(Slow(shop))
        return slow[-1]

    readers, bodies = ([client() for _ in range(8)] for _ in range(2))
    for each in readers:
        each.send(f"GET {urlsplit(large).path} HTTP/1.1\r\nHost: {each.host}\r\nConnection: close\r\n\r\n".encode())
    for each in bodies:
        head = f"POST /v1/assets HTTP/1.1\r\nHost: {each.host}\r\nX-API-Key: {key}\r\nContent-Length: {len(body)}\r\n"
        each.send(head.encode() + b"Content-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n\r\n")
        each.send(body[: len(body) // 2])
    # The picture is made, and none of its readers has read it.
    until(lambda: shop.get(large).headers["X-Cache"] == "HIT", seconds=PATIENCE)
    until(lambda: (status := pool.ping()).busy == 0 and status.queued == 0, seconds=PATIENCE)
    headers = [client() for _ in range(8)]  # not before: the edge waits 15 seconds for a head
    for each in headers:
        each.send(f"GET {urlsplit(large).path} HTTP/1.1\r\nHost: {each.host}\r\nX-Slow: ".encode())
    shop.killed("origin", [shop.pid("origin")])
    shop.healed()
    whole = shop.get(large).content
    assert len(whole) > 1_000_000, "more than sockets hold"
    for each in readers:
        status, data = each.answer()
        assert (status, sha256(data)) == (200, sha256(whole))
    for each in headers:
        each.send(b"at last\r\nConnection: close\r\n\r\n")
        status, data = each.answer()
        assert (status, sha256(data)) == (200, sha256(whole))
    answers = []
    for each in bodies:
        each.send(body[len(body) // 2 :])
        answers.append(each.answer()[0])
    assert sorted(answers) == [200] * 7 + [201]
