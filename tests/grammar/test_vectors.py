"""Every vector of the contract, through the Python grammar."""

import pytest

from mezzotint.grammar.accept import accept_class
from mezzotint.grammar.parser import Grammar, variant_identity
from mezzotint.grammar.path import canonical_path, parse_path, parse_plan
from mezzotint.model.errors import MezzotintError
from tests.vectors import vectors


@pytest.mark.parametrize("case", vectors("canonical"))
def test_canonical_form(grammar: Grammar, case):
    if "error" in case:
        with pytest.raises(MezzotintError) as refused:
            grammar.parse(case["operations"], case["ext"])
        assert refused.value.code == case["error"]
        assert refused.value.field in ("operations", "ext")
        return
    plan = grammar.parse(case["operations"], case["ext"])
    assert (plan.canonical, plan.ext) == (case["canonical"], case["canonical_ext"])


@pytest.mark.parametrize("case", [case for case in vectors("canonical") if "canonical" in case])
def test_canonical_form_is_its_own_canonical_form(grammar: Grammar, case):
    plan = grammar.parse(case["canonical"], case["canonical_ext"])
    assert (plan.canonical, plan.ext) == (case["canonical"], case["canonical_ext"])


@pytest.mark.parametrize("case", vectors("paths"))
def test_path(grammar: Grammar, case):
    if "status" in case:
        with pytest.raises(MezzotintError) as refused:
            parse_plan(parse_path(case["path"]), grammar)
        assert refused.value.status == case["status"]
        return
    address = parse_path(case["path"])
    assert canonical_path(address, parse_plan(address, grammar), grammar) == case["canonical_path"]


@pytest.mark.parametrize("case", vectors("accept"))
def test_accept_class(case):
    assert accept_class(case["accept"]) == case["class"]


@pytest.mark.parametrize("case", vectors("identity"))
def test_variant_identity(grammar: Grammar, case):
    plan = grammar.resolve(grammar.parse(case["operations"], case["ext"]), case["output_format"])
    assert plan.canonical == case["canonical_resolved"]
    identity = variant_identity(
        plan, asset_sha256=case["asset_sha256"], format=case["output_format"], recipe=case["recipe"]
    )
    assert identity == case["identity"]
