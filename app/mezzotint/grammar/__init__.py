"""The URL language: text to plan and back, as a table that Python and Lua both interpret."""

from mezzotint.grammar.parser import Grammar, Plan

__all__ = ["Grammar", "Plan"]
