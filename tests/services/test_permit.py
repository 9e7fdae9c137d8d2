"""What a policy lets through, of a plan as it is asked for and as it is carried out."""

import pytest

from mezzotint import registry
from mezzotint.model.errors import InvalidOperation, PolicyRefused
from mezzotint.model.policy import ALL, Policy
from mezzotint.services.permit import permit_asked, permit_expanded

GRAMMAR = registry.load(["standard"]).grammar()


@pytest.mark.parametrize(
    ("asked", "alone"),
    [("preset_card", True), ("preset_card-dpr_2-fmt_auto", True), ("preset_card-w_10", False), ("w_10", False)],
)
def test_presets_only(asked: str, alone: bool):
    plan = GRAMMAR.parse(asked, "jpg")
    permit_asked(plan, Policy(), GRAMMAR)
    if alone:
        permit_asked(plan, Policy(presets_only=True), GRAMMAR)
    else:
        with pytest.raises(PolicyRefused, match="presets"):
            permit_asked(plan, Policy(presets_only=True), GRAMMAR)


@pytest.mark.parametrize(
    ("policy", "operations", "ext", "refusal", "field"),
    [
        (Policy(), "w_8192-h_8192-blur_9-bw", "avif", None, None),
        (Policy(allowed_operations=("w", "h")), "w_10-h_10", "jpg", None, None),
        (Policy(allowed_operations=("w", "h")), "w_10-h_10-f_pad", "jpg", PolicyRefused, "operations"),
        (Policy(allowed_operations=("w",)), "w_10-bw", "jpg", PolicyRefused, "operations"),
        (Policy(allowed_operations=ALL), "w_10-bw", "jpg", None, None),
        (Policy(allowed_formats=("jpg", "webp")), "w_10", "webp", None, None),
        (Policy(allowed_formats=("jpg", "webp")), "w_10", "png", PolicyRefused, "ext"),
        (Policy(allowed_formats=("jpg", "webp")), "fmt_gif-w_10", "jpg", PolicyRefused, "ext"),
        (Policy(allowed_formats=ALL), "w_10", "png", None, None),
        (Policy(max_side=300), "w_300-h_300", "jpg", None, None),
        (Policy(max_side=300), "w_301", "jpg", InvalidOperation, "operations"),
        (Policy(max_side=300), "h_151-dpr_2", "jpg", InvalidOperation, "operations"),
    ],
)
def test_operations_formats_and_sides(
    policy: Policy, operations: str, ext: str, refusal: type[PolicyRefused | InvalidOperation] | None, field: str | None
):
    plan = GRAMMAR.parse(operations, ext)
    if refusal is None:
        permit_expanded(plan, policy, GRAMMAR)
    else:
        with pytest.raises(refusal) as refused:
            permit_expanded(plan, policy, GRAMMAR)
        assert refused.value.field == field
