"""Uploads: from a received file to a ready asset, so that a crash between any two steps leaves nothing visible.

Verify in the sandbox → pending row → object under a key that is never reused → one transaction: ready, usage, audit.
A refused picture leaves neither row nor object. A crash leaves at most a pending row and the object that it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from mezzotint.data import assets, policies, usage
from mezzotint.data.assets import Unfinished
from mezzotint.data.postgres import Database, Transaction
from mezzotint.imaging.client import InspectJob, Renderers
from mezzotint.imaging.geometry import Size, wants_mezzanine
from mezzotint.model.asset import Access, Asset, Content, SourceKind, Version
from mezzotint.model.errors import (
    InvalidField,
    MezzotintError,
    NotFound,
    PictureRefused,
    Unavailable,
    UnsupportedType,
    UploadTooLarge,
)
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.model.policy import DEFAULTS, Policy
from mezzotint.model.tenancy import Scope
from mezzotint.plugin_api import ObjectNotFound, Storage, StoreUnavailable
from mezzotint.services import follow_up
from mezzotint.services.assets import Located
from mezzotint.services.caller import Caller
from mezzotint.services.labels import clean_folder, clean_name, clean_tags
from mezzotint.services.reach import Place, find_asset_scope, find_level, find_place, place_of, reading
from mezzotint.services.record import record
from mezzotint.services.spool import Received
from mezzotint.services.wants import Wants

STORE = "originals"
REAPER = Caller("reaper")


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an upload; `created` is False when the same bytes were there already."""

    located: Located
    created: bool


class Ingest:
    """Takes uploads in. `deadline`: seconds that a renderer may take to verify one."""

    def __init__(
        self, database: Database, stores: Mapping[str, Storage], renderers: Renderers, wants: Wants, deadline: float
    ) -> None:
        self._database = database
        self._store = stores[STORE]
        self._renderers = renderers
        self._wants = wants
        self._deadline = deadline

    def limit(
        self, caller: Caller, organization: str | None = None, tenant: str | None = None, space: str | None = None
    ) -> int:
        """The most bytes of an upload, as far as is known by now where it goes. Raises NotFound, InvalidField."""
        if caller.is_operator and organization is None:
            return DEFAULTS.max_upload_bytes or 0
        with reading(self._database, caller) as tx:
            level = find_level(tx, caller, organization, tenant, space)
            return policies.resolved(tx, level.owner).max_upload_bytes or 0

    def version_limit(self, caller: Caller, asset_id: UUID) -> int:
        """The most bytes of a new version of an asset. Raises NotFound."""
        with self._database.scoped(find_asset_scope(self._database, caller, asset_id)) as tx:
            return self._found(tx, asset_id)[2].max_upload_bytes or 0

    def add(
        self,
        caller: Caller,
        received: Received,
        name: str,
        *,
        organization: str | None,
        tenant: str | None,
        space: str,
        access: Access | None = None,
        tags: Sequence[str] = (),
        folder: str = "",
    ) -> Taken:
        """A new asset of the bytes received, or the one that the space has of them with the same access, unchanged.

        Raises NotFound, InvalidField, UploadTooLarge, UnsupportedType, PictureRefused; Overloaded, RenderTimeout,
        Unavailable.
        """
        name, labels, folder = clean_name(name), clean_tags(tags), clean_folder(folder)
        with reading(self._database, caller) as tx:
            place = find_place(tx, caller, organization, tenant, space)
        with self._database.scoped(place.scope) as tx:
            policy = policies.resolved(tx, place.owner)
            access = access or policy.default_access or Access.PRIVATE
            there = assets.find_by_content(tx, place.space.id, received.sha256, access)
        if there is not None:
            return Taken(Located(there, place), created=False)
        content = self._verify(received, place, policy)
        asset_id = new_id()
        key = _new_key(place, asset_id)
        with self._database.scoped(place.scope) as tx:
            asset = assets.insert(
                tx,
                place.space.id,
                asset_id=asset_id,
                access=access,
                source_kind=SourceKind.UPLOAD,
                file_name=name,
                uploaded_by=caller.actor,
                store=STORE,
                key=key,
                folder=folder,
                tags=labels,
                content_hash=received.sha256,
            )
        with self._abandoning(place, asset.version):
            self._keep(received, key, content)
            with self._database.scoped(place.scope) as tx:
                # Held until this ends: of two that bring the same bytes at once, the second finds the first.
                there = assets.find_by_content(tx, place.space.id, content.content_hash, access)
                if there is None:
                    return Taken(Located(self._ready(tx, caller, "asset.create", asset, content), place), created=True)
        self._abandon(place, asset.version, "the same bytes came at the same moment")
        return Taken(Located(there, place), created=False)

    def add_version(self, caller: Caller, asset_id: UUID, received: Received, name: str) -> Taken:
        """The next version of an asset; `created` is False, and nothing changes, for the bytes of its current one.

        Raises as `add` does.
        """
        name = clean_name(name)
        scope = find_asset_scope(self._database, caller, asset_id)
        with self._database.scoped(scope) as tx:
            asset, place, policy = self._found(tx, asset_id)
        if asset.version.content is not None and asset.version.content.content_hash == received.sha256:
            return Taken(Located(asset, place), created=False)
        content = self._verify(received, place, policy)
        key = _new_key(place, asset_id)
        with self._database.scoped(scope) as tx:
            version = assets.add_version(
                tx,
                asset_id,
                source_kind=SourceKind.UPLOAD,
                file_name=name,
                uploaded_by=caller.actor,
                store=STORE,
                key=key,
                content_hash=received.sha256,
            )
            if version is None:
                raise NotFound
        with self._abandoning(place, version):
            self._keep(received, key, content)
            with self._database.scoped(scope) as tx:
                ready = self._ready(tx, caller, "asset.add_version", replace(asset, version=version), content)
        return Taken(Located(ready, place), created=True)

    @staticmethod
    def _found(tx: Transaction, asset_id: UUID) -> tuple[Asset, Place, Policy]:
        asset = assets.get(tx, asset_id)
        if asset is None:
            raise NotFound
        place = place_of(tx, asset)
        return asset, place, policies.resolved(tx, place.owner)

    def adopt(self, left: Unfinished, received: Received) -> Asset:
        """Make a version ready whose bytes arrived although nobody was told so.

        Raises NotFound when it is not wanted any more, what `_verify` raises, and Unavailable.
        """
        with self._database.scoped(left.scope) as tx:
            asset = assets.get(tx, left.asset_id, left.number)
            if asset is None:
                raise NotFound("the asset was deleted")
            place = place_of(tx, asset)
            policy = policies.resolved(tx, place.owner)
        content = self._verify(received, place, policy, background=True)
        action = "asset.create" if left.number == 1 else "asset.add_version"
        with self._database.scoped(left.scope) as tx:
            if left.number == 1 and assets.find_by_content(tx, asset.space_id, content.content_hash, asset.access):
                raise NotFound("the same bytes were uploaded again")
            return self._ready(tx, REAPER, action, asset, content)

    def give_up(self, left: Unfinished, why: str) -> None:
        """Take back what is left of an upload, object and row. Raises Unavailable."""
        self._take_back(left.scope, left.asset_id, left.number, left.key, why)

    def _verify(self, received: Received, place: Place, policy: Policy, *, background: bool = False) -> Content:
        """What the bytes are, found out by decoding all of them in the sandbox, under the policy's limits."""
        if received.size == 0:
            raise InvalidField("the file is empty", field="file")
        if policy.max_upload_bytes is not None and received.size > policy.max_upload_bytes:
            raise UploadTooLarge(f"an upload has at most {policy.max_upload_bytes:,} bytes here", field="file")
        job = InspectJob(
            received.path,
            str(place.tenant.id),
            self._deadline,
            policy.max_source_pixels or 0,
            content_hash=received.sha256,
            background=background,
        )
        try:
            found = self._renderers.inspect(job)
        except (PictureRefused, UnsupportedType) as refused:
            refused.field = "file"  # renderers know of none
            raise
        return Content(bytes=received.size, content_hash=received.sha256, **asdict(found))

    def _keep(self, received: Received, key: str, content: Content) -> None:
        """The object in the store, looked at once more. Raises Unavailable."""
        try:
            with received.path.open("rb") as stream:
                self._store.put(key, stream, size=received.size, content_type=content.media_type)
            kept = self._store.stat(key)
        except (StoreUnavailable, ObjectNotFound) as problem:
            raise Unavailable("store") from problem
        if kept.size != received.size:
            raise Unavailable("store", "the store kept another number of bytes than it was given")

    def _ready(self, tx: Transaction, caller: Caller, action: str, asset: Asset, content: Content) -> Asset:
        ready = assets.mark_ready(tx, asset.id, asset.version.number, content)
        if ready is None:
            raise NotFound  # deleted meanwhile
        usage.add(tx, asset.space_id, "uploads", 1)
        usage.add(tx, asset.space_id, "upload_bytes", content.bytes)
        record(tx, caller, action, to_ulid(asset.id), version=asset.version.number, sha256=content.content_hash)
        if self._wants.has_mezzanine(content) and wants_mezzanine(Size(content.width, content.height)):
            follow_up.make_mezzanine(tx, ready)
        follow_up.make_ahead(tx, ready)
        return ready

    @contextmanager
    def _abandoning(self, place: Place, version: Version) -> Iterator[None]:
        try:
            yield
        except Exception as problem:
            with suppress(MezzotintError):
                self._abandon(place, version, str(problem)[:500])
            raise

    def _abandon(self, place: Place, version: Version, why: str) -> None:
        """Take back a pending version; where the registry is away too, the row is left to tell of it."""
        self._take_back(place.scope, version.asset_id, version.number, version.key, why)

    def _take_back(self, scope: Scope, asset_id: UUID, number: int, key: str, why: str) -> None:
        with self._database.scoped(scope) as tx:
            if not assets.mark_failed(tx, asset_id, number, why):
                return  # settled before: it may even have become ready, and only the word of it got lost
            if number == 1:
                assets.delete(tx, asset_id)
            follow_up.discard(tx, STORE, key)
        with suppress(StoreUnavailable):  # the job does it later
            self._store.delete(key)


def _new_key(place: Place, asset_id: UUID) -> str:
    """Where an original is kept; random, so that no two uploads ever share a key."""
    return f"{to_ulid(place.tenant.id)}/{to_ulid(asset_id)}/{to_ulid(new_id())}"
