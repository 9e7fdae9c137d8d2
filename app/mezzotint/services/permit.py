"""What a policy permits of a picture asked for. Pure."""

from __future__ import annotations

from mezzotint.grammar import Grammar, Plan
from mezzotint.model.errors import InvalidOperation, PolicyRefused
from mezzotint.model.policy import ALL, Policy


def permit_asked(asked: Plan, policy: Policy, grammar: Grammar) -> None:
    """Holds the plan as the URL spells it against the policy. Raises PolicyRefused."""
    if policy.presets_only and not grammar.is_preset_alone(asked):
        raise PolicyRefused("only presets are served here", field="operations")


def permit_expanded(plan: Plan, policy: Policy, grammar: Grammar) -> None:
    """Holds an expanded, resolved plan against the policy. Raises PolicyRefused, InvalidOperation for a long side."""
    operations = policy.allowed_operations or ALL
    refused = sorted(grammar.chosen(plan) - set(operations)) if operations != ALL else []
    if refused:
        raise PolicyRefused(f"{', '.join(refused)}: not allowed here", field="operations")
    formats = policy.allowed_formats or ALL
    if formats != ALL and grammar.format(plan) not in formats:
        raise PolicyRefused(f"the format {grammar.format(plan)} is not allowed here", field="ext")
    if policy.max_side is not None:
        for key, side in grammar.sides(plan).items():
            if side > policy.max_side:
                raise InvalidOperation(
                    f"'{key}_{side}': {key} takes at most {policy.max_side} here", field="operations"
                )
