"""The language of the built-in plug-ins, found as the product finds them."""

import pytest

from mezzotint import registry
from mezzotint.grammar.parser import Grammar


@pytest.fixture(scope="session")
def grammar() -> Grammar:
    return registry.load(["standard"]).grammar()
