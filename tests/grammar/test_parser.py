"""What the vectors leave unsaid: presets, formats chosen by the client, any spelling, clear refusals."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezzotint import registry
from mezzotint.grammar.parser import Grammar
from mezzotint.model.errors import InvalidOperation

GRAMMAR = registry.load(["standard"]).grammar()

TOKENS = st.fixed_dictionaries(
    {},
    optional={
        "w": st.integers(1, 1000).map(str),
        "h": st.integers(1, 1000).map(str),
        "f": st.sampled_from(["cover", "contain", "fill", "inside", "outside", "pad"]),
        "g": st.sampled_from(["north", "center", "centre", "attention"]),
        "b": st.sampled_from(["fff", "FFFFFF", "12345678", "abcf"]),
        "q": st.sampled_from(["1", "85", "0100", "auto", "999"]),
        "r": st.integers(0, 720).map(str),
        "sharpen": st.sampled_from(["0", "1.50", "10"]),
        "blur": st.sampled_from(["0.3", "5.0", "1000"]),
        "bw": st.just(""),
        "flip": st.just(""),
        "up": st.just(""),
        "dpr": st.sampled_from(["1", "0.5", "2", "1.14"]),
    },
)


@given(tokens=TOKENS, ext=st.sampled_from(["jpg", "png", "webp", "avif", "gif"]), seed=st.integers())
def test_order_of_tokens_never_matters(tokens, ext, seed):
    written = [f"{key}_{value}" if value else key for key, value in tokens.items()] or ["bw"]
    plan = GRAMMAR.parse("-".join(written), ext)
    random.Random(seed).shuffle(written)
    assert GRAMMAR.parse("-".join(written), ext) == plan
    assert GRAMMAR.parse(plan.canonical, plan.ext) == plan


@given(st.text(alphabet="abcdefghpqrwuxyzWH0123456789_-.,:~", max_size=40))
def test_any_text_is_a_plan_or_a_clear_refusal(text):
    try:
        plan = GRAMMAR.parse(text, "jpg")
    except InvalidOperation:
        return
    assert GRAMMAR.parse(plan.canonical, plan.ext) == plan


def test_refusal_names_token_rule_and_range(grammar: Grammar):
    with pytest.raises(InvalidOperation, match=r"'w_9000': w takes a whole number from 1 to 8192"):
        grammar.parse("w_9000", "jpg")
    with pytest.raises(InvalidOperation, match=r"'w_5000' times dpr_2 is 10000: w takes at most 8192"):
        grammar.parse("w_5000-dpr_2", "jpg")
    with pytest.raises(InvalidOperation, match=r"f is one of cover, contain"):
        grammar.parse("f_stretch", "jpg")


def test_own_tokens_override_the_preset(grammar: Grammar):
    plan = grammar.parse("preset_card-w_200-dpr_2", "webp")
    expanded = grammar.expand(plan, grammar.preset_operations("w_300-h_100-q_70-fmt_png"))
    assert expanded.canonical == "fmt_webp-w_400-h_200-f_cover-q_70"


@pytest.mark.parametrize("operations", ["preset_other", "dpr_2", "w_0", ""])
def test_preset_refuses_what_it_can_not_hold(grammar: Grammar, operations):
    with pytest.raises(InvalidOperation):
        grammar.preset_operations(operations)


def test_quality_beside_auto_is_on_the_scale_of_jpeg(grammar: Grammar):
    plan = grammar.parse("fmt_auto-q_80", "jpg")
    assert grammar.resolve(plan, "avif").canonical == "fmt_avif-q_66"
    assert grammar.resolve(plan, "webp").canonical == "fmt_webp-q_80"
    assert grammar.resolve(plan, "jpg").canonical == "fmt_jpg-q_80"


def test_operations_of_a_plan_are_typed(grammar: Grammar):
    operations = grammar.operations(grammar.parse("w_80-h_60-blur_2.5-flip", "jpg"))
    by_name = {type(operation).__name__: operation for operation in operations}
    assert set(by_name) == {"Output", "Resize", "Blur", "Mirror"}
    assert (by_name["Resize"].width, by_name["Resize"].fit) == (80, "cover")
    assert str(by_name["Blur"].sigma) == "2.5"
    assert (by_name["Mirror"].flip, by_name["Mirror"].flop) == (True, False)


def test_export_tells_languages_apart(grammar: Grammar):
    table = grammar.export()
    assert table["digest"] == grammar.digest
    assert [token["key"] for token in table["tokens"]][:4] == ["preset", "fmt", "w", "h"]
