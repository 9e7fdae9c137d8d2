"""docs/api.md tells of every endpoint, scope and policy value that there is."""

import re
from dataclasses import asdict
from pathlib import Path

from mezzotint.model.policy import DEFAULTS
from mezzotint.services.caller import SCOPES

PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")
DOCUMENTED = re.compile(r"^\| ((?:`[A-Z]+` ?)+) \| `(/v1/[^`]+)` \| `([a-z]+)` \|$", re.MULTILINE)


def test_every_endpoint_is_documented(app):
    documented = {
        (method.strip("`"), path) for methods, path, _ in DOCUMENTED.findall(PAGE) for method in methods.split()
    }
    there = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].__module__.startswith("mezzotint.web.api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert documented == there


def test_every_scope_is_documented():
    assert dict(re.findall(r"^\| `([a-z:]+)` \| (.+) \|$", PAGE, re.MULTILINE)).items() >= SCOPES.items()


def test_every_policy_value_is_documented_with_its_default():
    documented = dict(re.findall(r"^\| `([a-z_]+)` \| `?(.+?)`? \| ", PAGE, re.MULTILINE))
    spelled = {name: str(value).lower() for name, value in asdict(DEFAULTS).items()}
    spelled |= {"allowed_operations": '["*"]', "allowed_formats": '["*"]'}
    assert {name: documented.get(name) for name in spelled} == spelled
