"""The jobs of background work: their kinds, what each is handed, and how one is asked for.

Each is written in the transaction of the change that it follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from mezzotint.data import jobs, presets
from mezzotint.data.postgres import Transaction
from mezzotint.model.asset import Asset
from mezzotint.model.job import Job
from mezzotint.model.tenancy import Scope

MEZZANINE, AHEAD, IMPROVE, PURGE, DISCARD = "mezzanine", "ahead", "improve", "purge", "discard"


@dataclass(frozen=True, slots=True)
class OfVersion:
    """Which version of which asset a job is about."""

    scope: Scope
    asset_id: UUID
    number: int

    @classmethod
    def read(cls, job: Job) -> OfVersion:
        return cls(scope_of(job), UUID(job.payload["asset"]), int(job.payload["version"]))


def scope_of(job: Job) -> Scope:
    """The tenant whose job it is. Raises ValueError for a job that is nobody's."""
    if job.organization_id is None:
        raise ValueError(f"a job of the kind {job.kind} belongs to a tenant")
    return Scope(job.organization_id, job.tenant_id)


def make_mezzanine(tx: Transaction, asset: Asset) -> None:
    payload = {"asset": str(asset.id), "version": asset.version.number}
    jobs.enqueue(tx, MEZZANINE, payload, once=f"{asset.id}/{asset.version.number}")


def make_ahead(tx: Transaction, asset: Asset) -> None:
    """Have the pictures of presets made that are to be there before anybody asks."""
    for preset in presets.automatic(tx, asset.owner, tags=asset.tags, folder=asset.folder):
        payload = {"asset": str(asset.id), "version": asset.version.number, "preset": preset.name}
        jobs.enqueue(tx, AHEAD, payload)


def improve(tx: Transaction, variant_id: UUID, scope: Scope) -> None:
    jobs.enqueue(
        tx,
        IMPROVE,
        {"variant": str(variant_id)},
        organization_id=scope.organization_id,
        tenant_id=scope.tenant_id,
        once=str(variant_id),
    )


def purge(tx: Transaction, asset_id: UUID, *, delay: float) -> None:
    jobs.enqueue(tx, PURGE, {"asset": str(asset_id)}, once=str(asset_id), delay=delay)


def discard(tx: Transaction, store: str, key: str, *, delay: float = 0.0) -> None:
    """Have an object deleted that no row speaks of any more."""
    jobs.enqueue(tx, DISCARD, {"store": store, "key": key}, delay=delay)
