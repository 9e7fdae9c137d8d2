"""The table of presets."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from mezzotint.data import jobs
from mezzotint.data.postgres import Transaction
from mezzotint.model.errors import Conflict
from mezzotint.model.identifiers import new_id
from mezzotint.model.preset import Preset
from mezzotint.model.tenancy import Owner

_LIVE = "SELECT * FROM presets WHERE deleted_at IS NULL"
_OF_OWNER = """organization_id = %(organization)s
    AND tenant_id IS NOT DISTINCT FROM %(tenant)s AND space_id IS NOT DISTINCT FROM %(space)s"""


def insert(
    tx: Transaction,
    owner: Owner,
    name: str,
    operations: Mapping[str, int | str | bool],
    *,
    auto_generate: bool = False,
    match_tags: Sequence[str] = (),
    match_folders: Sequence[str] = (),
) -> Preset:
    """Raises Conflict when the owner has one of this name."""
    row = tx.row(
        """INSERT INTO presets
        (organization_id, tenant_id, space_id, id, name, operations, auto_generate, match_tags, match_folders)
        VALUES (%(organization)s, %(tenant)s, %(space)s, %(id)s, %(name)s, %(operations)s, %(auto_generate)s,
        %(match_tags)s, %(match_folders)s)
        ON CONFLICT (organization_id, tenant_id, space_id, name) WHERE deleted_at IS NULL DO NOTHING
        RETURNING *""",
        **_owner(owner),
        id=new_id(),
        name=name,
        operations=Jsonb(dict(operations)),
        auto_generate=auto_generate,
        match_tags=list(match_tags),
        match_folders=list(match_folders),
    )
    if row is None:
        raise Conflict(f"there is a preset named {name}", field="name")
    return _published(tx, row)


def get(tx: Transaction, preset_id: UUID) -> Preset | None:
    row = tx.row(f"{_LIVE} AND id = %(id)s", id=preset_id)
    return _preset(row) if row else None


def nearest(tx: Transaction, owner: Owner, name: str) -> Preset | None:
    """The preset that `name` means for `owner`: its own, else that of the level above, and so on."""
    row = tx.row(
        f"""{_LIVE} AND organization_id = %(organization)s AND name = %(name)s
        AND (tenant_id IS NULL OR tenant_id = %(tenant)s) AND (space_id IS NULL OR space_id = %(space)s)
        ORDER BY space_id NULLS LAST, tenant_id NULLS LAST LIMIT 1""",
        **_owner(owner),
        name=name,
    )
    return _preset(row) if row else None


def automatic(tx: Transaction, owner: Owner, *, tags: Sequence[str], folder: str) -> list[Preset]:
    """The presets that `owner` has made ahead for an asset with these `tags` in this `folder`; nearest of each name.

    One that names neither tags nor folders matches every asset.
    """
    rows = tx.rows(
        f"""SELECT * FROM (SELECT DISTINCT ON (name) * FROM ({_LIVE}) AS live
            WHERE organization_id = %(organization)s
            AND (tenant_id IS NULL OR tenant_id = %(tenant)s) AND (space_id IS NULL OR space_id = %(space)s)
            ORDER BY name, space_id NULLS LAST, tenant_id NULLS LAST) AS nearest
        WHERE auto_generate AND (match_tags = '{{}}' AND match_folders = '{{}}' OR match_tags && %(tags)s
            OR EXISTS (SELECT FROM unnest(match_folders) AS parent
                WHERE %(folder)s = parent OR starts_with(%(folder)s, parent || '/')))""",
        **_owner(owner),
        tags=list(tags),
        folder=folder,
    )
    return [_preset(row) for row in rows]


def page(tx: Transaction, owner: Owner, *, after: UUID | None = None, limit: int = 100) -> list[Preset]:
    """The presets of exactly this owner, oldest first; `after` is the last id of the page before."""
    rows = tx.rows(
        f"""{_LIVE} AND {_OF_OWNER} AND (%(after)s::uuid IS NULL OR id > %(after)s)
        ORDER BY id LIMIT %(limit)s""",
        **_owner(owner),
        after=after,
        limit=limit,
    )
    return [_preset(row) for row in rows]


def update(
    tx: Transaction,
    preset_id: UUID,
    *,
    operations: Mapping[str, int | str | bool] | None = None,
    auto_generate: bool | None = None,
    match_tags: Sequence[str] | None = None,
    match_folders: Sequence[str] | None = None,
) -> Preset | None:
    """Change what is not None."""
    row = tx.row(
        """UPDATE presets SET updated_at = now(),
        operations = coalesce(%(operations)s, operations),
        auto_generate = coalesce(%(auto_generate)s, auto_generate),
        match_tags = coalesce(%(match_tags)s, match_tags),
        match_folders = coalesce(%(match_folders)s, match_folders)
        WHERE id = %(id)s AND deleted_at IS NULL RETURNING *""",
        id=preset_id,
        operations=None if operations is None else Jsonb(dict(operations)),
        auto_generate=auto_generate,
        match_tags=None if match_tags is None else list(match_tags),
        match_folders=None if match_folders is None else list(match_folders),
    )
    return _published(tx, row) if row else None


def delete(tx: Transaction, preset_id: UUID) -> bool:
    row = tx.row(
        "UPDATE presets SET deleted_at = now() WHERE id = %(id)s AND deleted_at IS NULL RETURNING *",
        id=preset_id,
    )
    return row is not None and bool(_published(tx, row))


def _published(tx: Transaction, row: DictRow) -> Preset:
    preset = _preset(row)
    jobs.publish(tx, "preset", str(preset.id), preset.owner.organization_id, preset.owner.tenant_id)
    return preset


def _owner(owner: Owner) -> dict[str, Any]:
    return {"organization": owner.organization_id, "tenant": owner.tenant_id, "space": owner.space_id}


def _preset(row: DictRow) -> Preset:
    return Preset(
        id=row["id"],
        owner=Owner(row["organization_id"], row["tenant_id"], row["space_id"]),
        name=row["name"],
        operations=row["operations"],
        auto_generate=row["auto_generate"],
        match_tags=tuple(row["match_tags"]),
        match_folders=tuple(row["match_folders"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
