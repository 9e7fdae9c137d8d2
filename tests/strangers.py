"""Plug-ins of strangers, as pip would leave them behind."""

from pathlib import Path


def install(folder: Path, name: str, source: str, *, room: str = "operations") -> None:
    """A package `name` with one module in `room`, made known by an entry point of the same name."""
    inside = folder / name / room
    inside.mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    (inside / "__init__.py").touch()
    (inside / "own.py").write_text(source, encoding="utf-8")
    about = folder / f"{name}-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[mezzotint.plugins]\n{name} = {name}\n", encoding="utf-8")
