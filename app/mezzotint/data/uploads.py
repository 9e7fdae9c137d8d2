"""The table of uploads that clients send to the store by themselves."""

from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import DictRow

from mezzotint.data.postgres import Transaction
from mezzotint.model.asset import Access
from mezzotint.model.upload import Upload


def insert(
    tx: Transaction,
    space_id: UUID,
    upload_id: UUID,
    *,
    file_name: str,
    access: Access | None,
    folder: str,
    tags: Sequence[str],
    bytes: int,
    content_hash: str | None,
    store: str,
    key: str,
    seconds: int,
) -> Upload:
    """Announce one, whose client may write to `key` of `store` for so many seconds."""
    row = tx.one(
        """INSERT INTO uploads (organization_id, tenant_id, space_id, id, file_name, access, folder, tags, bytes,
        content_hash, store, key, expires_at) VALUES (%(organization)s, %(tenant)s, %(space)s, %(id)s, %(file_name)s,
        %(access)s, %(folder)s, %(tags)s, %(bytes)s, %(content_hash)s, %(store)s, %(key)s,
        now() + make_interval(secs => %(seconds)s)) RETURNING *""",
        organization=tx.organization_id,
        tenant=tx.tenant_id,
        space=space_id,
        id=upload_id,
        file_name=file_name,
        access=access,
        folder=folder,
        tags=list(tags),
        bytes=bytes,
        content_hash=content_hash,
        store=store,
        key=key,
        seconds=seconds,
    )
    return _upload(row)


def find(tx: Transaction, upload_id: UUID) -> Upload | None:
    """To be asked as the operator, by those who may not know whose it is."""
    row = tx.row("SELECT * FROM uploads WHERE id = %(id)s", id=upload_id)
    return _upload(row) if row else None


def complete(tx: Transaction, upload_id: UUID, asset_id: UUID) -> None:
    tx.run(
        "UPDATE uploads SET asset_id = %(asset)s WHERE tenant_id = %(tenant)s AND id = %(id)s",
        asset=asset_id,
        tenant=tx.tenant_id,
        id=upload_id,
    )


def ended(tx: Transaction, ago: float, *, limit: int) -> list[Upload]:
    """Those whose client could write no more `ago` seconds ago, the oldest first; for the operator."""
    rows = tx.rows(
        """SELECT * FROM uploads WHERE expires_at < now() - make_interval(secs => %(ago)s)
        ORDER BY expires_at LIMIT %(limit)s""",
        ago=ago,
        limit=limit,
    )
    return [_upload(row) for row in rows]


def delete(tx: Transaction, upload_id: UUID) -> None:
    """For the operator."""
    tx.run("DELETE FROM uploads WHERE id = %(id)s", id=upload_id)


def _upload(row: DictRow) -> Upload:
    return Upload(**row | {"access": Access(row["access"]) if row["access"] else None, "tags": tuple(row["tags"])})
