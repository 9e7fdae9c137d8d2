"""What people call their pictures: tags, folders and file names, held to one form. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath

from mezzotint.model.errors import InvalidField

MAX_TAGS, MAX_TAG, MAX_FOLDER, MAX_NAME = 50, 64, 512, 255


def clean_tags(tags: Sequence[str], field: str = "tags") -> tuple[str, ...]:
    """Without repetition, in the order given. Raises InvalidField."""
    cleaned = tuple(dict.fromkeys(tag.strip() for tag in tags))
    if len(cleaned) > MAX_TAGS or not all(_fits(tag, MAX_TAG) for tag in cleaned):
        raise InvalidField(f"at most {MAX_TAGS} tags of 1 to {MAX_TAG} printable characters", field=field)
    return cleaned


def clean_folder(folder: str, field: str = "folder") -> str:
    """`a/b`, without outer slashes; empty is the top. Raises InvalidField."""
    cleaned = folder.strip("/")
    parts = cleaned.split("/")
    if cleaned and (not _fits(cleaned, MAX_FOLDER) or any(part.strip() in {"", ".", ".."} for part in parts)):
        raise InvalidField(f"names joined by single slashes, at most {MAX_FOLDER} printable characters", field=field)
    return cleaned


def clean_folders(folders: Sequence[str], field: str) -> tuple[str, ...]:
    """As one folder each; at most as many as an asset has tags. Raises InvalidField."""
    if len(folders) > MAX_TAGS:
        raise InvalidField(f"at most {MAX_TAGS} folders", field=field)
    return tuple(dict.fromkeys(clean_folder(folder, field) for folder in folders))


def clean_name(name: str, field: str = "name") -> str:
    """The file's own name, whatever folders a client put before it. Raises InvalidField."""
    cleaned = PurePosixPath(PureWindowsPath(name).name).name.strip()
    if cleaned == ".." or not _fits(cleaned, MAX_NAME):
        raise InvalidField(f"a file name of 1 to {MAX_NAME} printable characters", field=field)
    return cleaned


def _fits(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable()
