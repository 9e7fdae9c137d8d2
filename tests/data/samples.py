"""Rows to test with."""

import hashlib
import itertools

from mezzotint.data import assets, variants
from mezzotint.model.asset import Access, Content, SourceKind

_numbers = itertools.count()

CONTENT = Content(
    media_type="image/jpeg",
    format="jpeg",
    bytes=1234,
    content_hash="ab" * 32,
    width=640,
    height=480,
    colour_space="srgb",
    bits=8,
    has_alpha=False,
    frames=1,
    orientation=6,
    dominant_colour="#102030",
    thumbhash="1QcSHQRnh493V4dIh4eXh1h4kJUI",
    exif={"Make": "Plaubel"},
)


def pending_asset(tx, place, **values):
    return assets.insert(
        tx,
        place.space.id,
        **{
            "access": Access.PUBLIC,
            "source_kind": SourceKind.UPLOAD,
            "file_name": "a photograph.jpg",
            "uploaded_by": "test",
            "store": "originals",
            "key": f"key/{next(_numbers)}",
            **values,
        },
    )


def next_version(tx, asset):
    return assets.add_version(
        tx,
        asset.id,
        source_kind=SourceKind.UPLOAD,
        file_name="another.jpg",
        uploaded_by="test",
        store="originals",
        key=f"key/{next(_numbers)}",
    )


def ready_asset(tx, place, content=CONTENT, **values):
    asset = pending_asset(tx, place, **values)
    return assets.mark_ready(tx, asset.id, 1, content)


def variant(tx, asset, **values):
    operations = values.get("operations", "fmt_webp-w_100-q_85")
    return variants.record(
        tx,
        **{
            "asset_id": asset.id,
            "version": asset.version.number,
            "identity": hashlib.sha256(operations.encode()).hexdigest(),
            "operations": operations,
            "recipe": "0",
            "format": "webp",
            "media_type": "image/webp",
            "width": 100,
            "height": 75,
            "frames": 1,
            "bytes": 999,
            "content_hash": "cd" * 32,
            "store": "variants",
            "key": "variant/1",
            "processing_time_ms": 12.5,
            "cpu_ms": 10.25,
            **values,
        },
    )
