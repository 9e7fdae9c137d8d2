"""The language in Lua and in Python: same verdict, same canonical form, whatever is asked."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from mezzotint import registry
from mezzotint.grammar.accept import accept_class
from mezzotint.grammar.path import canonical_path, parse_path, parse_plan
from mezzotint.model.errors import MezzotintError

Ask = Callable[..., list[Any]]
SEED, CASES = 20240, 6000
HEAD = "/v1/pub/acme/website/marketing/img/01JBXYZ7N8Q4W2V6M3K5T9R0AE/v1/"
NUMBERS = (
    "",
    "0",
    "1",
    "7.5",
    "0.3",
    "0.29",
    "12.50",
    "99.999",
    "0090",
    "360",
    "450",
    "8192",
    "8193",
    "1000000",
    "1e3",
    ".5",
)
WORDS = ("auto", "cover", "pad", "contain", "inside", "north", "centre", "center", "attention", "jpg", "jpeg", "webp")
COLOURS = ("fff", "FFF", "ffff", "abcd", "11223344", "112233FF", "ffffff", "gggggg", "ff")
NAMES = ("card", "hero_2x", "a__b", "_a", "Big")
EXTS = ("jpg", "jpeg", "png", "webp", "avif", "gif", "bmp", "json", "JPG")
BYTES = "abw_-.:,~%/0189AZ é\x7f"


def token(choose: random.Random, keys: list[str]) -> str:
    key = choose.choice([*keys, "zoom", "W", ""])
    kind = choose.random()
    if kind < 0.25:
        return key
    return f"{key}_{choose.choice(choose.choice((NUMBERS, WORDS, COLOURS, NAMES)))}"


def operations(choose: random.Random, keys: list[str]) -> str:
    text = "-".join(token(choose, keys) for _ in range(choose.randint(1, 5)))
    if choose.random() < 0.1:
        at = choose.randrange(len(text) + 1)
        text = text[:at] + choose.choice(BYTES) + text[at:]
    return text


def fitting(choose: random.Random, rows: list[dict[str, Any]]) -> str:
    """Operations that are mostly right, so that the rules beyond a single token are reached."""
    made = []
    for row in choose.sample(rows, choose.randint(1, 6)):
        match row["kind"]:
            case "flag":
                made.append(row["key"])
            case "choice":
                words = [*row["choices"], *row.get("aliases", {}), *row.get("redirect", {})]
                made.append(f"{row['key']}_{choose.choice(words)}")
            case "colour":
                made.append(f"{row['key']}_{choose.choice(COLOURS[:7])}")
            case "name":
                made.append(f"{row['key']}_{choose.choice(NAMES[:2])}")
            case "integer":
                numbers = [*row.get("words", []), row["min"], choose.randint(row["min"], row["max"])]
                made.append(f"{row['key']}_{choose.choice(numbers)}")
            case "decimal":
                made.append(f"{row['key']}_{choose.randint(row['min'], row['max']) / 100}")
    return "-".join(made)


def python(grammar: Any, path: str) -> str:
    try:
        address = parse_path(path)
        return canonical_path(address, parse_plan(address, grammar), grammar)
    except MezzotintError as refused:
        return refused.code


@pytest.mark.parametrize("mostly_right", [True, False])
def test_same_verdict_and_form(lua: Ask, table: dict[str, Any], mostly_right: bool) -> None:
    choose = random.Random(SEED)
    grammar = registry.load(["standard"]).grammar()
    keys = [row["key"] for row in table["tokens"]]
    paths = [
        HEAD
        + (fitting(choose, table["tokens"]) if mostly_right else operations(choose, keys))
        + "."
        + choose.choice(EXTS)
        for _ in range(CASES)
    ]
    answers = lua(*({"ask": "read", "uri": path} for path in paths if "?" not in path))
    theirs = [answer["fault"]["code"] if "fault" in answer else answer["canonical"] for answer in answers]
    ours = [python(grammar, path) for path in paths]
    assert [both for both in zip(paths, theirs, ours, strict=True) if both[1] != both[2]] == []
    assert sum(one.startswith("/v1/") for one in ours) > (CASES // 4 if mostly_right else CASES // 100)


def test_same_detail(lua: Ask) -> None:
    """Both ends tell a user the same about what is wrong."""
    grammar = registry.load(["standard"]).grammar()
    wrong = [
        "w_0",
        "w",
        "zoom_2",
        "w_1-w_2",
        "f_stretch",
        "b_ff",
        "q_best",
        "bw_1",
        "blur_0.1",
        "preset_A",
        "w_5000-dpr_2",
        "w_",
    ]
    for operation, answer in zip(
        wrong, lua(*({"ask": "canonical", "operations": one, "ext": "jpg"} for one in wrong)), strict=True
    ):
        with pytest.raises(MezzotintError) as refused:
            grammar.parse(operation, "jpg")
        assert answer["fault"]["detail"] == refused.value.detail
        assert answer["fault"]["field"] == refused.value.field


def test_same_accept_class(lua: Ask) -> None:
    choose = random.Random(SEED)
    parts = [
        "image/avif",
        "image/webp",
        "IMAGE/WEBP",
        "*/*",
        "image/*",
        ";q=0",
        ";q=0.0",
        "; q=1",
        ";Q=0.3",
        ";q=",
        ";q=.",
        ",",
        " ",
        "\t",
        ";v=1",
        ";q=1.2.3",
    ]
    headers = ["".join(choose.choices(parts, k=choose.randint(1, 8))) for _ in range(CASES)]
    theirs = lua(*({"ask": "accept", "header": header} for header in headers))
    ours = [accept_class(header) for header in headers]
    assert [both for both in zip(headers, theirs, ours, strict=True) if both[1] != both[2]] == []
