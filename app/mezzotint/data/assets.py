"""The tables of assets and their versions; what they do stays within the tenant of their transaction."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from mezzotint.data.postgres import Transaction
from mezzotint.model.asset import Access, Asset, Content, Mezzanine, SourceKind, State, Version
from mezzotint.model.identifiers import new_id
from mezzotint.model.tenancy import Scope

_CONTENT = tuple(field.name for field in fields(Content))

# An asset beside one of its versions; the version's columns that the asset has too are left out.
_ASSETS = f"""SELECT assets.id, assets.organization_id, assets.tenant_id, assets.space_id, assets.access, assets.folder,
    assets.tags, assets.current, assets.created_at, assets.updated_at, version.created_at AS version_created_at,
    version.asset_id, version.number, version.state, version.source_kind, version.file_name, version.uploaded_by,
    version.store, version.key, version.failure, version.mezzanine_store, version.mezzanine_key,
    version.mezzanine_bytes, {", ".join(f"version.{name}" for name in _CONTENT)}
    FROM assets JOIN asset_versions AS version ON version.tenant_id = assets.tenant_id AND version.asset_id = assets.id
    WHERE assets.tenant_id = %(tenant)s AND assets.deleted_at IS NULL"""


def insert(
    tx: Transaction,
    space_id: UUID,
    *,
    access: Access,
    source_kind: SourceKind,
    file_name: str,
    uploaded_by: str,
    store: str,
    key: str,
    folder: str = "",
    tags: Sequence[str] = (),
    asset_id: UUID | None = None,
    content_hash: str | None = None,
) -> Asset:
    """A new asset with a pending version 1, whose bytes are on their way to `key` of `store`.

    `content_hash` is what they should be, where that is known: by it the reaper tells whether they have arrived.
    """
    identifier = asset_id or new_id()
    tx.run(
        """INSERT INTO assets (organization_id, tenant_id, space_id, id, access, folder, tags) VALUES
        (%(organization)s, %(tenant)s, %(space)s, %(asset)s, %(access)s, %(folder)s, %(tags)s)""",
        organization=tx.organization_id,
        tenant=tx.tenant_id,
        space=space_id,
        asset=identifier,
        access=access,
        folder=folder,
        tags=list(tags),
    )
    _insert_version(tx, identifier, 1, source_kind, file_name, uploaded_by, store, key, content_hash)
    return _asset(tx.one(f"{_ASSETS} AND assets.id = %(asset)s", tenant=tx.tenant_id, asset=identifier))


def add_version(
    tx: Transaction,
    asset_id: UUID,
    *,
    source_kind: SourceKind,
    file_name: str,
    uploaded_by: str,
    store: str,
    key: str,
    content_hash: str | None = None,
) -> Version | None:
    """The next version, pending, as with `insert`.

    Uploads to one asset wait for each other here: no two take the same number.
    """
    if not tx.rows(
        "SELECT FROM assets WHERE tenant_id = %(tenant)s AND id = %(asset)s AND deleted_at IS NULL FOR UPDATE",
        tenant=tx.tenant_id,
        asset=asset_id,
    ):
        return None
    number = versions(tx, asset_id)[-1].number + 1
    return _insert_version(tx, asset_id, number, source_kind, file_name, uploaded_by, store, key, content_hash)


def mark_ready(tx: Transaction, asset_id: UUID, number: int, content: Content) -> Asset | None:
    """The version is ready, and the asset's current one unless a later version was quicker."""
    values = {name: getattr(content, name) for name in _CONTENT} | {"exif": Jsonb(_storable(dict(content.exif)))}
    if not _finish(tx, asset_id, number, State.READY, **values):
        return None
    tx.run(
        """UPDATE assets SET current = greatest(current, %(number)s), updated_at = now()
        WHERE tenant_id = %(tenant)s AND id = %(asset)s""",
        tenant=tx.tenant_id,
        asset=asset_id,
        number=number,
    )
    return get(tx, asset_id, number)


def mark_failed(tx: Transaction, asset_id: UUID, number: int, failure: str) -> bool:
    return _finish(tx, asset_id, number, State.FAILED, failure=failure)


def find_by_content(tx: Transaction, space_id: UUID, content_hash: str, access: Access) -> Asset | None:
    """The ready asset of the space whose current version has these bytes.

    Until the transaction ends, others who ask for the same wait: mark the own version ready in it, and two uploads
    of the same bytes at once become one asset.
    """
    tx.row(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(content)s, 0))",
        content=f"{space_id}/{content_hash}/{access}",
    )
    row = tx.row(
        f"""{_ASSETS} AND version.number = assets.current AND version.state = 'ready'
        AND version.content_hash = %(hash)s AND assets.space_id = %(space)s AND assets.access = %(access)s
        ORDER BY assets.id LIMIT 1""",
        tenant=tx.tenant_id,
        hash=content_hash,
        space=space_id,
        access=access,
    )
    return _asset(row) if row else None


def get(tx: Transaction, asset_id: UUID, number: int | None = None) -> Asset | None:
    """The asset at version `number`, in whatever state; None: at its current one."""
    row = tx.row(
        f"{_ASSETS} AND assets.id = %(asset)s AND version.number = coalesce(%(number)s, assets.current)",
        tenant=tx.tenant_id,
        asset=asset_id,
        number=number,
    )
    return _asset(row) if row else None


def owner(tx: Transaction, asset_id: UUID) -> Scope | None:
    """The tenant whose live asset this is; to be asked as the operator, by those who may not know it."""
    row = tx.row(
        "SELECT organization_id, tenant_id FROM assets WHERE id = %(asset)s AND deleted_at IS NULL", asset=asset_id
    )
    return Scope(**row) if row else None


def places(tx: Transaction, identifiers: Collection[UUID]) -> dict[UUID, tuple[Scope, UUID]]:
    """The tenant and the space of each of these assets; to be asked as the operator."""
    rows = tx.rows(
        "SELECT id, organization_id, tenant_id, space_id FROM assets WHERE id = ANY(%(ids)s)", ids=list(identifiers)
    )
    return {row["id"]: (Scope(row["organization_id"], row["tenant_id"]), row["space_id"]) for row in rows}


def versions(tx: Transaction, asset_id: UUID) -> list[Version]:
    """All versions of a live asset, in order."""
    rows = tx.rows(f"{_ASSETS} AND assets.id = %(asset)s ORDER BY version.number", tenant=tx.tenant_id, asset=asset_id)
    return [_version(row) for row in rows]


def page(
    tx: Transaction,
    space_id: UUID | None = None,
    *,
    after: UUID | None = None,
    limit: int = 100,
    folder: str | None = None,
    tag: str | None = None,
    access: Access | None = None,
    state: State | None = None,
) -> list[Asset]:
    """Newest first, of one space or (None) of all; `after` is the last id of the page before."""
    rows = tx.rows(
        f"""{_ASSETS} AND version.number = assets.current
        AND (%(space)s::uuid IS NULL OR assets.space_id = %(space)s)
        AND (%(after)s::uuid IS NULL OR assets.id < %(after)s)
        AND (%(folder)s::text IS NULL OR assets.folder = %(folder)s)
        AND (%(tag)s::text IS NULL OR assets.tags @> ARRAY[%(tag)s::text])
        AND (%(access)s::text IS NULL OR assets.access = %(access)s)
        AND (%(state)s::text IS NULL OR version.state = %(state)s)
        ORDER BY assets.id DESC LIMIT %(limit)s""",
        tenant=tx.tenant_id,
        space=space_id,
        after=after,
        limit=limit,
        folder=folder,
        tag=tag,
        access=access,
        state=state,
    )
    return [_asset(row) for row in rows]


def delete(tx: Transaction, asset_id: UUID) -> bool:
    """The asset is gone for everybody; its rows and objects stay until they are purged."""
    return bool(
        tx.run(
            """UPDATE assets SET deleted_at = now()
            WHERE tenant_id = %(tenant)s AND id = %(asset)s AND deleted_at IS NULL""",
            tenant=tx.tenant_id,
            asset=asset_id,
        )
    )


def keep_mezzanine(tx: Transaction, asset_id: UUID, number: int, mezzanine: Mezzanine) -> bool:
    """The version has this mezzanine from now on; False: it is not there any more."""
    return bool(
        tx.run(
            """UPDATE asset_versions SET mezzanine_store = %(store)s, mezzanine_key = %(key)s,
            mezzanine_bytes = %(bytes)s WHERE tenant_id = %(tenant)s AND asset_id = %(asset)s AND number = %(number)s
            AND state = 'ready'""",
            tenant=tx.tenant_id,
            asset=asset_id,
            number=number,
            store=mezzanine.store,
            key=mezzanine.key,
            bytes=mezzanine.bytes,
        )
    )


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A version that is still on its way; `content_hash` is what its bytes should be, None: nobody said."""

    scope: Scope
    asset_id: UUID
    number: int
    store: str
    key: str
    content_hash: str | None
    deleted: bool


def unfinished(tx: Transaction, older: float, *, limit: int = 100) -> list[Unfinished]:
    """Versions that began more than `older` seconds ago and are not ready, oldest first: what a crash left behind.

    Of all tenants: for the operator.
    """
    rows = tx.rows(
        """SELECT version.organization_id, version.tenant_id, asset_id, number, store, key, content_hash,
        deleted_at IS NOT NULL AS deleted FROM asset_versions AS version
        JOIN assets ON assets.tenant_id = version.tenant_id AND assets.id = asset_id
        WHERE state IN ('pending', 'processing') AND version.created_at < now() - make_interval(secs => %(older)s)
        ORDER BY version.created_at LIMIT %(limit)s""",
        older=older,
        limit=limit,
    )
    return [Unfinished(Scope(row.pop("organization_id"), row.pop("tenant_id")), **row) for row in rows]


def objects(tx: Transaction, asset_id: UUID) -> list[tuple[str, str]]:
    """Store and key of every object of a deleted asset; for the operator. Empty for one that is not deleted."""
    rows = tx.rows(
        """WITH gone AS (SELECT tenant_id, id FROM assets WHERE id = %(asset)s AND deleted_at IS NOT NULL),
        versions AS (SELECT version.* FROM asset_versions AS version
            JOIN gone ON version.tenant_id = gone.tenant_id AND asset_id = gone.id)
        SELECT store, key FROM versions
        UNION SELECT mezzanine_store, mezzanine_key FROM versions WHERE mezzanine_key IS NOT NULL
        UNION SELECT store, key FROM variants
            JOIN gone ON variants.tenant_id = gone.tenant_id AND asset_id = gone.id""",
        asset=asset_id,
    )
    return [(row["store"], row["key"]) for row in rows]


def purge(tx: Transaction, asset_id: UUID) -> Scope | None:
    """Take away every row of a deleted asset, as the operator; says whose it was. None: there is no such asset."""
    row = tx.row(
        "SELECT organization_id, tenant_id FROM assets WHERE id = %(asset)s AND deleted_at IS NOT NULL",
        asset=asset_id,
    )
    if row is None:
        return None
    for table, column in (("variants", "asset_id"), ("asset_versions", "asset_id"), ("assets", "id")):
        tx.run(
            f"DELETE FROM {table} WHERE tenant_id = %(tenant)s AND {column} = %(asset)s",
            tenant=row["tenant_id"],
            asset=asset_id,
        )
    return Scope(**row)


def _insert_version(
    tx: Transaction,
    asset_id: UUID,
    number: int,
    source_kind: SourceKind,
    file_name: str,
    uploaded_by: str,
    store: str,
    key: str,
    content_hash: str | None,
) -> Version:
    row = tx.one(
        """INSERT INTO asset_versions
        (organization_id, tenant_id, asset_id, number, source_kind, file_name, uploaded_by, store, key, content_hash)
        VALUES (%(organization)s, %(tenant)s, %(asset)s, %(number)s, %(source_kind)s, %(file_name)s, %(uploaded_by)s,
        %(store)s, %(key)s, %(content_hash)s) RETURNING *, created_at AS version_created_at""",
        organization=tx.organization_id,
        tenant=tx.tenant_id,
        asset=asset_id,
        number=number,
        source_kind=source_kind,
        file_name=file_name,
        uploaded_by=uploaded_by,
        store=store,
        key=key,
        content_hash=content_hash,
    )
    return _version(row)


def _finish(tx: Transaction, asset_id: UUID, number: int, state: State, **values: Any) -> bool:
    """Move an unfinished version on; a ready or failed one stays what it is."""
    return bool(
        tx.run(
            f"""UPDATE asset_versions SET {"".join(f"{name} = %({name})s, " for name in values)} state = %(state)s
            WHERE tenant_id = %(tenant)s AND asset_id = %(asset)s AND number = %(number)s
            AND state IN ('pending', 'processing')""",
            tenant=tx.tenant_id,
            asset=asset_id,
            number=number,
            state=state,
            **values,
        )
    )


def _storable(value: Any) -> Any:
    """Without what JSON may hold in Python and JSONB refuses: NUL, lone surrogates, NaN and infinity."""
    match value:
        case str():
            return value.replace("\0", "").encode("utf-8", "replace").decode()
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
        case list() | tuple():
            return [_storable(item) for item in value]
    return value


def _asset(row: DictRow) -> Asset:
    return Asset(
        id=row["id"],
        organization_id=row["organization_id"],
        tenant_id=row["tenant_id"],
        space_id=row["space_id"],
        access=Access(row["access"]),
        folder=row["folder"],
        tags=tuple(row["tags"]),
        current=row["current"],
        version=_version(row),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _version(row: DictRow) -> Version:
    state = State(row["state"])
    return Version(
        asset_id=row["asset_id"],
        number=row["number"],
        state=state,
        source_kind=SourceKind(row["source_kind"]),
        file_name=row["file_name"],
        uploaded_by=row["uploaded_by"],
        store=row["store"],
        key=row["key"],
        created_at=row["version_created_at"],
        content=Content(**{name: row[name] for name in _CONTENT}) if state is State.READY else None,
        failure=row["failure"],
        mezzanine=_mezzanine(row),
    )


def _mezzanine(row: DictRow) -> Mezzanine | None:
    if row["mezzanine_key"] is None:
        return None
    return Mezzanine(row["mezzanine_store"], row["mezzanine_key"], row["mezzanine_bytes"])
