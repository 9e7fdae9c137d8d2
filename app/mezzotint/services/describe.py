"""The nouns as plain values, fit for JSON: the control plane and the command line tell of them alike. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mezzotint.model.identifiers import to_ulid

if TYPE_CHECKING:
    from mezzotint.model.asset import Asset, Version
    from mezzotint.model.audit import Entry
    from mezzotint.model.job import Job
    from mezzotint.model.preset import Preset
    from mezzotint.model.quarantine import Quarantined
    from mezzotint.model.signing import ApiKey, SigningKey
    from mezzotint.services.direct_uploads import Announced
    from mezzotint.services.links import AssetLinks, Signed
    from mezzotint.services.policies import Ruled
    from mezzotint.services.reach import Level, Place
    from mezzotint.services.signing_keys import Rotation

Described = dict[str, Any]


def level(found: Level) -> Described:
    """An organization, a tenant or a space; `path` says what it belongs to."""
    noun = found.noun
    return {
        "id": to_ulid(noun.id),
        "slug": noun.slug,
        "name": noun.name,
        "path": found.path,
        "created_at": moment(noun.created_at),
    }


def policy(ruled: Ruled) -> Described:
    return {"path": ruled.level.path, "own": asdict(ruled.own), "effective": asdict(ruled.effective)}


def announced(direct: Announced) -> Described:
    """An upload that its client sends by itself, and how."""
    return {
        "id": to_ulid(direct.upload.id),
        "method": "PUT",
        "url": direct.url,
        "headers": dict(direct.headers),
        "expires_at": moment(direct.upload.expires_at),
    }


def asset(seen: Asset, place: Place, links: AssetLinks) -> Described:
    """An asset at one of its versions, with what opens it."""
    return {
        "id": to_ulid(seen.id),
        "organization": place.organization.slug,
        "tenant": place.tenant.slug,
        "space": place.space.slug,
        "access": seen.access,
        "folder": seen.folder,
        "tags": list(seen.tags),
        **version(seen.version),
        "created_at": moment(seen.created_at),
        "updated_at": moment(seen.updated_at),
        "urls": {
            "template": links.template,
            "picture": links.picture,
            "info": links.info,
            "original": links.original,
            "expires_at": links.exp and moment(datetime.fromtimestamp(links.exp, UTC)),
        },
    }


def version(seen: Version) -> Described:
    """One version; what is in its bytes once it is ready."""
    content = seen.content
    found = (
        {
            "media_type": content.media_type,
            "format": content.format,
            "bytes": content.bytes,
            "sha256": content.content_hash,
            "width": content.width,
            "height": content.height,
            "frames": content.frames,
            "has_alpha": content.has_alpha,
            "colour_space": content.colour_space,
            "bits": content.bits,
            "orientation": content.orientation,
            "dominant_colour": content.dominant_colour,
            "thumbhash": content.thumbhash,
        }
        if content
        else {}
    )
    return {
        "version": seen.number,
        "state": seen.state,
        "source": seen.source_kind,
        "name": seen.file_name,
        "uploaded_by": seen.uploaded_by,
        **found,
        **({"failure": seen.failure} if seen.failure else {}),
    }


def asset_in_full(seen: Asset, place: Place, links: AssetLinks, versions: list[Version]) -> Described:
    """An asset with its EXIF data and all its versions."""
    content = seen.version.content
    return asset(seen, place, links) | {
        "exif": dict(content.exif) if content else {},
        "versions": [version(one) | {"created_at": moment(one.created_at)} for one in versions],
    }


def preset(owner: Level, found: Preset) -> Described:
    return {
        "id": to_ulid(found.id),
        "owner": owner.path,
        "name": found.name,
        "operations": found.spelling,
        "auto_generate": found.auto_generate,
        "match_tags": list(found.match_tags),
        "match_folders": list(found.match_folders),
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
    }


def quarantined(held: Quarantined) -> Described:
    return {
        "sha256": held.content_hash,
        "organization_id": to_ulid(held.organization_id),
        "tenant_id": to_ulid(held.tenant_id),
        "strikes": held.strikes,
        "reason": held.reason,
        "struck_at": moment(held.struck_at),
    }


def entry(line: Entry) -> Described:
    """A line of the audit log."""
    return {
        "sequence": line.sequence,
        "at": moment(line.at),
        "organization_id": line.organization_id and to_ulid(line.organization_id),
        "tenant_id": line.tenant_id and to_ulid(line.tenant_id),
        "actor": line.actor,
        "action": line.action,
        "subject": line.subject,
        "request_id": line.request_id,
        "detail": dict(line.detail),
    }


def signed(link: Signed) -> Described:
    return asdict(link) | {"expires_at": moment(datetime.fromtimestamp(link.exp, UTC))}


def signing_key(owner: Level, key: SigningKey) -> Described:
    """A signing key without its secret."""
    return {
        "kid": key.kid,
        "owner": owner.path,
        "status": key.status,
        "grace_until": key.grace_until and moment(key.grace_until),
        "created_at": moment(key.created_at),
    }


def rotation(done: Rotation) -> Described:
    """What became of a key; with the successor's secret if it was made just now."""
    return {
        "kid": done.old.kid,
        "owner": done.level.path,
        "rotated": done.rotated,
        "grace_until": moment(done.grace_until),
        "successor": done.new and done.new.kid,
        **({"secret": done.secret} if done.secret else {}),
    }


def api_key(key: ApiKey) -> Described:
    """An API key without its secret."""
    return {
        "id": to_ulid(key.id),
        "name": key.name,
        "organization_id": key.organization_id and to_ulid(key.organization_id),
        "tenant_id": key.tenant_id and to_ulid(key.tenant_id),
        "scopes": sorted(key.scopes),
        "created_at": moment(key.created_at),
        "expires_at": key.expires_at and moment(key.expires_at),
        "revoked_at": key.revoked_at and moment(key.revoked_at),
        "last_used_at": key.last_used_at and moment(key.last_used_at),
    }


def job(seen: Job) -> Described:
    """One piece of background work."""
    return {
        "id": to_ulid(seen.id),
        "kind": seen.kind,
        "state": seen.state,
        "attempts": seen.attempts,
        "due_at": moment(seen.run_at),
        "created_at": moment(seen.created_at),
        "organization_id": seen.organization_id and to_ulid(seen.organization_id),
        "tenant_id": seen.tenant_id and to_ulid(seen.tenant_id),
        "payload": dict(seen.payload),
        "error": seen.error,
    }


def moment(when: datetime) -> str:
    """RFC 3339, in UTC."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
