"""The language in Lua and in Python, tried with more than anyone would write: same verdict, same form.

Each run tries others; a failure names its seed, and MEZZOTINT_FUZZ_SEED repeats it.
"""

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mezzotint import registry
from mezzotint.grammar.path import canonical_path, parse_path, parse_plan
from mezzotint.model.errors import MezzotintError
from mezzotint.services.verify import read_arguments

Ask = Callable[..., list[Any]]
CASES, BATCH = 80_000, 10_000
PARTS = ("pub", "acme", "website", "marketing", "01JBXYZ7N8Q4W2V6M3K5T9R0AE", "1")
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
STRANGE_PARTS = (
    "",
    "-",
    "a-",
    "-a",
    "a_b",
    "A",
    "a" * 100,
    "a" * 101,
    "0",
    "01",
    "999999",
    "1000000",
    "priv",
    "8" * 26,
    "i" * 26,
)
TRICKS = ("%2e%2e/", "../", "./", "%00", "%25", ";a=b", "//", "?", "?sig=x", "#", "\\", "\t", "%0d%0a", ":", ",", "~")
ARGUMENTS = (
    "sig=a",
    "sig=",
    "sig",
    "SIG=b",
    "exp=1",
    "Exp=2",
    "kid=k",
    "kid=k%31",
    "download=a",
    "download",
    "x=y",
    "",
    "=",
    "a==b",
)
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


def in_a_path(choose: random.Random, operations: str) -> str:
    access, organization, tenant, space, asset, version = PARTS
    head = f"/v1/{access}/{organization}/{tenant}/{space}/img/{asset}/v{version}/"
    return head + operations + "." + choose.choice(EXTS)


def request_target(choose: random.Random, rows: list[dict[str, Any]]) -> str:
    """A whole path and query in which one to three things are otherwise."""
    parts = list(PARTS)
    text = choose.choice((fitting(choose, rows), "original", "info", "w_1"))
    target = in_a_path(choose, text)
    for _ in range(choose.randint(1, 3)):
        part = choose.choice(parts)
        at = choose.randrange(len(target) + 1)
        match choose.randrange(9):
            case 0:
                target = target.replace(part, choose.choice(STRANGE_PARTS), 1)
            case 1:
                target = target[:at] + choose.choice(BYTES) + target[at:]
            case 2:
                target = target[:at] + target[at + choose.randint(1, 4) :]
            case 3:
                target = target[:at] + choose.choice(TRICKS) + target[at:]
            case 4:
                target = target.replace("/", choose.choice(("//", "/./", "/../", "\\", "%2f")), choose.randint(1, 3))
            case 5:
                target = target.replace(part, part.swapcase(), 1)
            case 6:
                target += "?" + "&".join(choose.choices(ARGUMENTS, k=choose.randint(1, 4)))
            case 7:
                target = target.replace("-", "-" * choose.choice((2, 600, 1100)), 1)
            case _:
                target = target.replace(part, part * choose.choice((2, 9, 40)), 1)
    return target


def python(grammar: Any, target: str) -> str:
    path, _, query = target.partition("?")
    try:
        address = parse_path(path)
        canonical = canonical_path(address, parse_plan(address, grammar), grammar)
        given = read_arguments(query)
    except MezzotintError as refused:
        return refused.code
    return f"{canonical} {given.sig} {given.exp} {given.kid} {given.download}"


def edge(answer: dict[str, Any]) -> str:
    if "fault" in answer:
        return str(answer["fault"]["code"])
    given = answer["arguments"] or {}
    return " ".join([answer["canonical"], *(str(given.get(name)) for name in ("sig", "exp", "kid", "download"))])


def batches(made: Callable[[], str]) -> Iterator[list[str]]:
    for _ in range(CASES // BATCH):
        yield [made() for _ in range(BATCH)]


@pytest.mark.parametrize("kind", ["fitting", "wild", "targets"])
def test_same_verdict_and_form(lua: Ask, table: dict[str, Any], kind: str) -> None:
    seed = int(os.environ.get("MEZZOTINT_FUZZ_SEED") or random.SystemRandom().randrange(10**9))
    choose = random.Random(seed)
    grammar = registry.load(["standard"]).grammar()
    rows = table["tokens"]
    keys = [row["key"] for row in rows]
    makers = {
        "fitting": lambda: in_a_path(choose, fitting(choose, rows)),
        "wild": lambda: in_a_path(choose, operations(choose, keys)),
        "targets": lambda: request_target(choose, rows),
    }
    served = 0
    for targets in batches(makers[kind]):
        theirs = [edge(answer) for answer in lua(*({"ask": "read", "uri": target} for target in targets))]
        ours = [python(grammar, target) for target in targets]
        different = [both for both in zip(targets, theirs, ours, strict=True) if both[1] != both[2]]
        assert different[:5] == [], f"MEZZOTINT_FUZZ_SEED={seed}"
        served += sum(one.startswith("/v1/") for one in ours)
    assert served > CASES // {"fitting": 4, "wild": 100, "targets": 20}[kind], f"MEZZOTINT_FUZZ_SEED={seed}"
