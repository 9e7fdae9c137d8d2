"""What rows say is there, and what is there."""

from mezzotint import registry, settings, wiring
from tests.faults.shop import PATIENCE, Shop
from tests.journeys.waiting import until


def until_settled(shop: Shop) -> None:
    """Repair until it is whole."""

    def settled() -> bool:
        repair(shop)
        return whole(shop)

    until(settled, seconds=PATIENCE)


def whole(shop: Shop) -> bool:
    """Whether no upload is half done, and exactly the objects that rows promise are there."""
    return unfinished(shop) == 0 and stored(shop) == named(shop)


def repair(shop: Shop) -> None:
    """What the worker does by and by to what crashes left: here at once, whatever its age."""
    ages = {"UNFINISHED_AFTER": "1", "ORPHANED_AFTER": "1"}
    environment = {f"MEZZOTINT_WORKER__{name}": value for name, value in ages.items()}
    house = wiring.build(settings.load(shop.installation.folder / "mezzotint.toml", environment))
    try:
        for chore in ("reap", "sweep"):
            left = house.work._chores[chore].do({})
            while left:
                left = house.work._chores[chore].do(left)
    finally:
        house.database.close()


def unfinished(shop: Shop) -> int:
    """Versions that are neither ready nor failed."""
    with shop.database() as admin:
        found = admin.execute("SELECT count(*) FROM asset_versions WHERE state IN ('pending', 'processing')").fetchone()
    assert found is not None
    return int(found[0])


def named(shop: Shop) -> set[tuple[str, str]]:
    """Store and key of each object that a row promises."""
    with shop.database() as admin:
        return set(
            admin.execute(
                """SELECT store, key FROM asset_versions WHERE state = 'ready'
                UNION SELECT mezzanine_store, mezzanine_key FROM asset_versions WHERE mezzanine_key IS NOT NULL
                UNION SELECT store, key FROM variants"""
            ).fetchall()
        )


def stored(shop: Shop) -> set[tuple[str, str]]:
    """Store and key of each object in the stores."""
    there = settings.load(shop.installation.folder / "mezzotint.toml", {})
    storages = wiring.storages(there.stores, registry.load(there.plugins.enabled))
    return {(name, found.key) for name, storage in storages.items() for found in storage.list()}
