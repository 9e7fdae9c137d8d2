"""The contract's vectors, through the edge's own modules."""

import json
from collections.abc import Callable
from typing import Any

from tests.conftest import REPOSITORY

Ask = Callable[..., list[Any]]
CODES = {400: "invalid_path", 414: "path_too_long"}


def vectors(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((REPOSITORY / f"tests/vectors/{name}.json").read_text())
    return loaded


def differences(cases: list[dict[str, Any]], got: list[Any], expected: list[Any]) -> list[Any]:
    return [one for one in zip(cases, got, expected, strict=True) if one[1] != one[2]]


def test_canonical_forms(lua: Ask) -> None:
    cases = vectors("canonical")
    answers = lua(*({"ask": "canonical", "operations": case["operations"], "ext": case["ext"]} for case in cases))
    got = [
        answer["fault"]["code"] if "fault" in answer else [answer["operations"], answer["ext"]] for answer in answers
    ]
    expected = [case.get("error") or [case["canonical"], case["canonical_ext"]] for case in cases]
    assert differences(cases, got, expected) == []


def test_paths(lua: Ask) -> None:
    cases = vectors("paths")
    answers = lua(*({"ask": "read", "uri": case["path"]} for case in cases))
    got = [answer["fault"]["code"] if "fault" in answer else answer["canonical"] for answer in answers]
    expected = [case.get("canonical_path") or CODES[case["status"]] for case in cases]
    assert differences(cases, got, expected) == []


def test_accept_classes(lua: Ask) -> None:
    cases = vectors("accept")
    got = lua(*({"ask": "accept", "header": case["accept"]} for case in cases))
    assert differences(cases, got, [case["class"] for case in cases]) == []


def test_signatures_made(lua: Ask) -> None:
    cases = vectors("signing")
    got = lua(*({"ask": "sign", **case} for case in cases))
    assert differences(cases, got, [case["sig"] for case in cases]) == []


def test_signatures_judged(lua: Ask) -> None:
    """At the time the vectors name; a running edge judges them by its own clock in test_private.py."""
    cases = vectors("verify")
    got = lua(*({"ask": "judge", **case} for case in cases))
    assert differences(cases, got, [case["verdict"] for case in cases]) == []
