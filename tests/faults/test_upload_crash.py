"""A process that dies at any step of an upload leaves a whole asset or nothing visible."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mezzotint import settings, wiring
from mezzotint.data import assets
from mezzotint.model.asset import Asset
from mezzotint.model.errors import Unavailable
from mezzotint.model.identifiers import to_ulid
from mezzotint.model.tenancy import Scope
from mezzotint.services.spool import Received
from tests.conftest import REPOSITORY
from tests.journeys.conftest import picture
from tests.journeys.waiting import until
from tests.servers.house import running_settings
from tests.servers.places import OPERATOR, settle


class Bench:
    """A house, the file it is built from, and a place in it."""

    def __init__(self, path: Path, house: wiring.House) -> None:
        self.path = path
        self.house = house
        self.names = settle(house)

    def crash(self, steps: range, folder: Path, asset: Asset | None = None) -> list[str]:
        """Upload a picture of its own for each step, as a version of `asset` if there is one, in a process that dies
        there; what each died at.
        """
        for step in steps:
            (folder / f"{step}.jpg").write_bytes(picture(64, 48, seed=3000 + step))
        command = [sys.executable, "-m", "tests.faults.crashing", str(self.path)]
        command += [to_ulid(asset.id) if asset else self.names.path, str(folder)]
        done = subprocess.run(
            [*command, *map(str, steps)],
            cwd=REPOSITORY,
            env={"PYTHONPATH": f"{REPOSITORY / 'app'}:{REPOSITORY}", "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    def scope(self) -> Scope:
        with self.house.database.operator() as tx:
            row = tx.one(
                """SELECT tenants.id, organization_id FROM tenants
                JOIN organizations ON organizations.id = organization_id
                WHERE organizations.slug = %(organization)s AND tenants.slug = %(tenant)s""",
                organization=self.names.organization,
                tenant=self.names.tenant,
            )
        return Scope(row["organization_id"], row["id"])

    def visible(self) -> dict[str, Asset]:
        """What readers can get, by hash."""
        with self.house.database.scoped(self.scope()) as tx:
            ready = [each for each in assets.page(tx, limit=1000) if each.version.content is not None]
        return {each.version.content.content_hash: each for each in ready if each.version.content}

    def whole(self, asset: Asset) -> bool:
        storage = self.house.stores[asset.version.store]
        content = asset.version.content
        return content is not None and len(storage.get(asset.version.key)) == content.bytes

    def settled(self) -> bool:
        """Whether the background work leaves nothing unfinished, and exactly the objects that rows promise."""
        for chore in ("reap", "sweep"):
            left = self.house.work._chores[chore].do({})
            while left:
                left = self.house.work._chores[chore].do(left)
        with self.house.database.scoped(self.scope()) as tx:
            versions = tx.rows("SELECT state, key FROM asset_versions")
        storage, prefix = self.house.stores["originals"], to_ulid(self.scope().tenant_id)
        promised = {row["key"] for row in versions if row["state"] == "ready"}
        unfinished = [row for row in versions if row["state"] in {"pending", "processing"}]
        return not unfinished and {each.key for each in storage.list(prefix)} == promised

    def upload(self, data: bytes) -> Asset:
        with self.received(data) as received:
            return self.house.ingest.add(OPERATOR, received, "p.jpg", **self.names.fields).located.asset

    def add_version(self, asset: Asset, data: bytes) -> Asset:
        with self.received(data) as received:
            return self.house.ingest.add_version(OPERATOR, asset.id, received, "p.jpg").located.asset

    @contextmanager
    def received(self, data: bytes) -> Iterator[Received]:
        """The bytes as if a client had sent them."""
        with self.house.spool.receive() as incoming:
            incoming.write(data, limit=len(data))
            yield incoming.received

    def versions(self, asset: Asset) -> list[Asset]:
        """All that are ready."""
        with self.house.database.scoped(self.scope()) as tx:
            ready = tx.rows(
                "SELECT number FROM asset_versions WHERE state = 'ready' AND asset_id = %(id)s ORDER BY number",
                id=asset.id,
            )
            found = [assets.get(tx, asset.id, row["number"]) for row in ready]
        return [each for each in found if each is not None]


@pytest.fixture(scope="module")
def bench(postgres, redis_url, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("crash")
    with running_settings(postgres, redis_url, folder) as path:
        house = wiring.build(
            settings.load(path, {"MEZZOTINT_WORKER__UNFINISHED_AFTER": "1", "MEZZOTINT_WORKER__ORPHANED_AFTER": "1"})
        )
        yield Bench(path, house)
        house.database.close()


def test_died_at_any_step_it_leaves_all_or_nothing(bench: Bench, tmp_path: Path):
    deaths = bench.crash(range(1, 40), tmp_path)
    assert deaths[-1] == "done", "more steps than were tried"
    died = deaths[: deaths.index("done")]
    for step in ("inspect", "commit", "put", "half of put", "stat"):
        assert any(step in death for death in died), (step, died)
    visible = bench.visible()
    for asset in visible.values():
        assert bench.whole(asset)
    assert 1 <= len(visible) < len(died) + 1
    # Tried again, each is there, once.
    for number in range(1, len(died) + 1):
        data = (tmp_path / f"{number}.jpg").read_bytes()
        assert bench.whole(bench.upload(data))
    # And the leftovers go.
    until(bench.settled)


def test_a_version_that_died_at_any_step_is_there_whole_or_not_at_all(bench: Bench, tmp_path: Path):
    asset = bench.upload(picture(64, 48, seed=5000))
    deaths = bench.crash(range(1, 40), tmp_path, asset)
    assert deaths[-1] == "done", "more steps than were tried"
    for step in ("inspect", "commit", "put", "half of put", "stat"):
        assert any(step in death for death in deaths), (step, deaths)
    assert len(bench.versions(asset)) >= 2
    assert all(map(bench.whole, bench.versions(asset)))
    for number in range(1, len(deaths)):
        assert bench.whole(bench.add_version(asset, (tmp_path / f"{number}.jpg").read_bytes()))
    until(bench.settled)
    assert all(map(bench.whole, bench.versions(asset)))


def test_the_word_of_a_commit_getting_lost_costs_nobody_his_picture(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """PostgreSQL commits and dies before it says so: the object must not be taken back."""
    database, ready = bench.house.database, []

    class Dying:
        @contextmanager
        def scoped(self, scope: Scope):
            if ready:
                raise Unavailable("database")
            with database.scoped(scope) as tx:
                yield tx
                marked = tx.row(
                    "SELECT FROM asset_versions WHERE state = 'ready' AND content_hash = %(hash)s", hash=digest
                )
                if marked is not None:
                    ready.append(True)
            if ready:
                raise Unavailable("database")

        def __getattr__(self, name: str):
            return getattr(database, name)

    data = picture(64, 48, seed=4000)
    with bench.received(data) as received:
        digest = received.sha256
        monkeypatch.setattr(bench.house.ingest, "_database", Dying())
        with pytest.raises(Unavailable):
            bench.house.ingest.add(OPERATOR, received, "p.jpg", **bench.names.fields)
    assert ready
    assert bench.whole(bench.visible()[digest])
