"""What docs/security.md claims is proved where it says."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
THREATS = [f"T{number}" for number in range(1, 35)]


def rows() -> dict[str, tuple[str, ...]]:
    """The table's rows by threat."""
    lines = (ROOT / "docs/security.md").read_text(encoding="utf-8").splitlines()
    cells = (tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("| T"))
    return {row[0]: row for row in cells}


def functions(path: Path) -> set[str]:
    """The tests of a file, those of its classes included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_threat_has_a_proof_or_says_what_is_open():
    assert list(rows()) == THREATS
    for threat, row in rows().items():
        assert len(row) == 4, threat
        assert "::test_" in row[3] or "open:" in row[3], threat


def test_every_proof_is_there():
    named = re.findall(r"`(tests/[\w/.]+\.(?:py|lua))::(\w+)`", (ROOT / "docs/security.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    for path, name in named:
        assert (ROOT / path).exists(), path
        assert name in functions(ROOT / path), f"{path} has no {name}"


def test_nothing_that_looks_like_a_proof_is_overlooked():
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    assert text.count("::test_") == len(re.findall(r"`tests/[\w/.]+\.py::test_\w+`", text))
