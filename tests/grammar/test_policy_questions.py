"""What a policy asks of a plan."""

from mezzotint.grammar.parser import Grammar


def test_defaults_are_nobodys_choice(grammar: Grammar):
    assert grammar.chosen(grammar.parse("w_80-h_60", "jpg")) == {"w", "h"}
    assert grammar.chosen(grammar.parse("w_80-h_60-f_pad-q_50", "jpg")) == {"w", "h", "f", "q"}
    assert grammar.chosen(grammar.parse("q_85", "jpg")) == frozenset()


def test_sides_are_those_after_folding(grammar: Grammar):
    assert grammar.sides(grammar.parse("w_100-dpr_2-bw", "jpg")) == {"w": 200}
    assert grammar.sides(grammar.parse("bw", "jpg")) == {}


def test_a_preset_alone_may_have_format_and_scale(grammar: Grammar):
    assert grammar.is_preset_alone(grammar.parse("preset_card-dpr_2-fmt_auto", "jpg"))
    assert not grammar.is_preset_alone(grammar.parse("preset_card-w_10", "jpg"))
    assert not grammar.is_preset_alone(grammar.parse("w_10", "jpg"))
