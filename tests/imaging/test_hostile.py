"""Every hostile file through real renderers: a clear refusal or a small clean picture, and nobody dies of it."""

from pathlib import Path

import pytest

from mezzotint.model.errors import PictureRefused, UnsupportedType
from tests.conftest import CORPUS
from tests.imaging.pictures import open_bytes
from tests.imaging.pool import Pool, inspect_job, render_job

HOSTILE = CORPUS / "hostile"


def folders() -> list[str]:
    return sorted(path.name for path in HOSTILE.iterdir() if path.is_dir()) if HOSTILE.is_dir() else []


@pytest.mark.parametrize("folder", folders())
def test_hostile_files_are_refused_or_harmless(pool: Pool, folder: str) -> None:
    workers = set(pool.workers)
    for path in sorted((HOSTILE / folder).iterdir()):
        try:
            facts = pool.client.inspect(inspect_job(path))
            rendered = pool.client.render(render_job(path, "w_200-h_200", "webp"))
        except (PictureRefused, UnsupportedType):
            continue
        assert facts.width * facts.height * facts.frames <= 50_000_000, path
        assert open_bytes(rendered.data).width <= 200, path
        for mark in (b"canary", b"<script", b"PK\x03\x04", b"<?php"):
            assert mark not in rendered.data, path
    assert set(pool.workers) == workers


def test_metadata_bomb_is_small_when_decoded(pool: Pool, corpus: Path) -> None:
    rendered = pool.client.render(render_job(corpus / "hostile/bomb/ztxt_200mb.png"))
    assert rendered.width == 100
