"""The verdict on signed URLs: every vector of the contract, and what they leave unsaid."""

import pytest

from mezzotint.grammar.path import parse_path
from mezzotint.model.errors import BadRequest, MezzotintError, SignatureInvalid
from mezzotint.services.verify import Arguments, VerifyingKey, read_arguments, verify
from tests.vectors import vectors


def key_of(case) -> VerifyingKey:
    organization, tenant = case["key_scope"].split("/")
    return VerifyingKey(
        organization=organization,
        tenant=tenant,
        status=case["key_status"],
        grace_until=case["grace_until"],
        max_lifetime=case["key_max_lifetime"],
        secret=bytes.fromhex(case["secret_hex"]),
    )


def verdict(case) -> str:
    try:
        arguments = read_arguments(case["query"])
        key = key_of(case) if arguments.kid == "k1" else None
        host = case["host"].partition(":")[0].lower()
        verify(case["path"], host, parse_path(case["path"]), arguments, key, case["now"])
    except MezzotintError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("case", vectors("verify"), ids=lambda case: case["why"])
def test_verdict(case):
    assert verdict(case) == case["verdict"]


@pytest.mark.parametrize("name", ["sig", "exp", "kid", "download"])
def test_an_argument_given_twice_is_refused(name):
    with pytest.raises(BadRequest) as refused:
        read_arguments(f"{name}=1&x=2&{name}=1")
    assert refused.value.field == name


def test_strangers_may_come_twice():
    assert read_arguments("utm=1&utm=2&sig=x") == Arguments(sig="x")


def test_a_signature_outside_ascii_is_simply_wrong():
    case = vectors("verify")[0]
    arguments = Arguments(sig="\udcff" * 43, exp="1800000600", kid="k1")
    with pytest.raises(SignatureInvalid):
        verify(case["path"], case["host"], parse_path(case["path"]), arguments, key_of(case), case["now"])
