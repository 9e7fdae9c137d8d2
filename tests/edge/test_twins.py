"""The language in Lua and in Python: same verdict, same canonical form, whatever is asked."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from mezzotint import registry
from mezzotint.grammar.accept import accept_class
from mezzotint.model.errors import MezzotintError

Ask = Callable[..., list[Any]]
SEED, CASES = 20240, 6000


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
