"""Uploads that clients send to the store by themselves: announced, sent by a signed URL, then completed.

What a client has sent is trusted no more than any upload, and it may write again as long as its URL lives. So the
completion takes the bytes in as if they came now: verified, and kept under a key that no client can write to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from mezzotint.data import assets, uploads
from mezzotint.model.errors import Conflict, InvalidField, NotFound, NotOffered, Unavailable, UploadTooLarge
from mezzotint.model.identifiers import new_id, to_ulid
from mezzotint.plugin_api import ObjectNotFound, Storage, StoreUnavailable
from mezzotint.services.assets import Located
from mezzotint.services.ingest import STORE, Taken
from mezzotint.services.labels import clean_folder, clean_name, clean_tags
from mezzotint.services.reach import find_place, level_of, place_of, reading

if TYPE_CHECKING:
    from mezzotint.data.postgres import Database
    from mezzotint.model.asset import Access
    from mezzotint.model.upload import Upload
    from mezzotint.services.caller import Caller
    from mezzotint.services.ingest import Ingest
    from mezzotint.services.spool import Received, Spool
    from mezzotint.services.work import Payload

SECONDS = 3600
"""for which a client may send"""
GRACE = 3600.0
"""seconds after that in which it may still complete"""
PLACE = "incoming"
_BLOCK = 1 << 20
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Announced:
    """An upload, the URL to PUT its bytes to, and the headers to send with them."""

    upload: Upload
    url: str
    headers: Mapping[str, str]


class DirectUploads:
    """Takes in what never passed through us."""

    def __init__(self, database: Database, stores: Mapping[str, Storage], spool: Spool, ingest: Ingest) -> None:
        self._database = database
        self._stores = stores
        self._spool = spool
        self._ingest = ingest

    def announce(
        self,
        caller: Caller,
        name: str,
        *,
        organization: str | None,
        tenant: str | None,
        space: str,
        size: int,
        media_type: str,
        content_hash: str | None = None,
        access: Access | None = None,
        tags: Sequence[str] = (),
        folder: str = "",
    ) -> Announced:
        """Where to send `size` bytes. Raises NotFound, InvalidField, UploadTooLarge, NotOffered, Unavailable."""
        name, labels, folder = clean_name(name), clean_tags(tags), clean_folder(folder)
        with reading(self._database, caller) as tx:
            place = find_place(tx, caller, organization, tenant, space)
        limit = self._ingest.limit(caller, place.organization.slug, place.tenant.slug, place.space.slug)
        if size > limit:
            raise UploadTooLarge(f"an upload has at most {limit:,} bytes here", field="size")
        upload_id = new_id()
        key = f"{PLACE}/{to_ulid(place.tenant.id)}/{to_ulid(upload_id)}"
        try:
            url = self._stores[STORE].presigned_put(key, seconds=SECONDS, content_type=media_type)
        except StoreUnavailable as problem:
            raise Unavailable("store") from problem
        if url is None:
            raise NotOffered("this installation's store takes no uploads by itself: send the file to /v1/assets")
        with self._database.scoped(place.scope) as tx:
            upload = uploads.insert(
                tx,
                place.space.id,
                upload_id,
                file_name=name,
                access=access,
                folder=folder,
                tags=labels,
                bytes=size,
                content_hash=content_hash,
                store=STORE,
                key=key,
                seconds=SECONDS,
            )
        return Announced(upload, url, {"Content-Type": media_type})

    def complete(self, caller: Caller, upload_id: UUID) -> Taken:
        """The asset of what was sent; asked again, the same one, with `created` False.

        Raises NotFound, Conflict when nothing has arrived, and what `Ingest.add` raises.
        """
        upload = self._found(caller, upload_id)
        if upload.asset_id is not None:
            return self._there(upload, upload.asset_id)
        with self._database.operator() as tx:
            place = level_of(tx, upload.owner)
        if place.tenant is None or place.space is None:
            raise NotFound
        with self._spool.receive() as incoming:
            try:
                with self._stores[upload.store].open(upload.key) as stream:
                    while block := stream.read(_BLOCK):
                        incoming.write(block, limit=upload.bytes)
            except ObjectNotFound:
                raise Conflict("the file has not arrived") from None
            except StoreUnavailable as problem:
                raise Unavailable("store") from problem
            _check(upload, incoming.received)
            taken = self._ingest.add(
                caller,
                incoming.received,
                upload.file_name,
                organization=place.organization.slug,
                tenant=place.tenant.slug,
                space=place.space.slug,
                access=upload.access,
                tags=upload.tags,
                folder=upload.folder,
            )
        with self._database.scoped(upload.scope) as tx:
            uploads.complete(tx, upload.id, taken.located.asset.id)
        with suppress(StoreUnavailable):  # it is removed with the row at the latest
            self._stores[upload.store].delete(upload.key)
        return taken

    def remove_ended(self, _: Payload) -> Payload:
        """Remove what nobody can complete any more, and whatever came after a completion: a chore.

        Raises StoreUnavailable.
        """
        with self._database.operator() as tx:
            ended = uploads.ended(tx, GRACE, limit=_AT_ONCE)
        for upload in ended:
            if storage := self._stores.get(upload.store):
                storage.delete(upload.key)
            with self._database.operator() as tx:
                uploads.delete(tx, upload.id)
        return {"again": True} if len(ended) == _AT_ONCE else {}

    def _found(self, caller: Caller, upload_id: UUID) -> Upload:
        with self._database.operator() as tx:
            upload = uploads.find(tx, upload_id)
        if upload is None or caller.organization_id not in {None, upload.organization_id}:
            raise NotFound
        if caller.tenant_id not in {None, upload.tenant_id}:
            raise NotFound
        return upload

    def _there(self, upload: Upload, asset_id: UUID) -> Taken:
        with self._database.scoped(upload.scope) as tx:
            asset = assets.get(tx, asset_id)
            if asset is None:
                raise NotFound
            return Taken(Located(asset, place_of(tx, asset)), created=False)


def _check(upload: Upload, received: Received) -> None:
    if received.size != upload.bytes:
        raise InvalidField(f"{upload.bytes:,} bytes were announced and {received.size:,} arrived", field="size")
    if upload.content_hash not in {None, received.sha256}:
        raise InvalidField("what arrived has another hash than was announced", field="sha256")
