"""
JSONTestSuite, read by our reader of JSON and sent to every call that reads JSON.

What is no JSON is refused, what is JSON is read as Python reads it, and nothing makes us fail.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lingpai.edge.reading import read_json
from lingpai.vocabulary.outcomes import Outcome, Refused
from tests.conformance.stage import Stage
from tests.edge.test_bad_input import CONTRACTS, Sent, answered, failures_are_seen, hashing_is_cheap, right_calls, text
from tests.tools import json_suite

__all__ = ["failures_are_seen", "hashing_is_cheap"]

# The package holds text, where bytes that were no UTF-8 have become U+FFFD. 0xFF is no UTF-8 either.
SUITE = {name: whole.encode().replace("\ufffd".encode(), b"\xff") for name, whole in json_suite().items()}

STRICTER = {
    "y_object_duplicated_key": "a member appears twice",
    "y_object_duplicated_key_and_value": "a member appears twice",
    "y_object_escaped_null_in_key": "text with NUL or half a surrogate pair",
    "y_string_null_escape": "text with NUL or half a surrogate pair",
}
"""JSON that we refuse on purpose: RFC 8259 leaves its meaning open (section 4), or no store of ours could keep it."""


def read(whole: bytes) -> object:
    """Return the value, or the refusal."""
    try:
        return read_json(whole)
    except Refused as refusal:
        return refusal


def test_the_suite_is_whole():
    assert len(SUITE) == 318 + 22
    assert {kind: sum(name.startswith(kind) for name in SUITE) for kind in ("y_", "n_", "i_")} == {
        "y_": 95,
        "n_": 188,
        "i_": 35,
    }


@pytest.mark.parametrize("name", [name for name in SUITE if name.startswith("y_")])
def test_json_is_read_as_python_reads_it(name):
    value = read(SUITE[name])
    if name in STRICTER:
        assert isinstance(value, Refused)
        assert str(value) == STRICTER[name]
    else:
        assert repr(value) == repr(json.loads(SUITE[name]))


@pytest.mark.parametrize("name", [name for name in SUITE if name.startswith("n_")])
def test_what_is_no_json_is_unreadable(name):
    refusal = read(SUITE[name])
    assert isinstance(refusal, Refused)
    assert refusal.outcome is Outcome.UNREADABLE


@pytest.mark.parametrize("name", [name for name in SUITE if name[:2] not in ("y_", "n_")])
def test_what_may_be_json_is_read_as_python_reads_it_or_is_unreadable(name):
    value = read(SUITE[name])
    if isinstance(value, Refused):
        assert value.outcome is Outcome.UNREADABLE
    else:
        assert repr(value) == repr(json.loads(SUITE[name]))


def is_json(whole: bytes) -> bool:
    try:
        json.loads(whole.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> object:
    raise ValueError(name)


def with_the_suite(sent: Sent) -> Iterator[tuple[Sent, bytes]]:
    """Yield *sent* with each text of the suite for a body, and for the value of one member of its body."""
    kinds = (*sent.without("content-type"), ("Content-Type", "application/json"))
    values = list(re.finditer(r':\s*("[^"]*"|\d+)', sent.body)) if sent.body.startswith("{") else []
    for number, whole in enumerate(SUITE.values()):
        yield replace(sent, body=text(whole), headers=kinds), whole
        if values:
            found = values[number % len(values)]
            inside = sent.body[: found.start(1)].encode() + whole + sent.body[found.end(1) :].encode()
            yield replace(sent, body=text(inside), headers=kinds), inside


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_call_withstands_the_suite(name):
    stage = Stage(name)
    seen = calls = 0
    for sent in right_calls(stage):
        if sent.method == "GET" and not sent.body:
            continue
        calls += 1
        for bad, whole in with_the_suite(sent):
            seen += 1
            # Nothing at all reads as an empty object, which is enough for a call that asks nothing.
            assert not (answered(stage, bad) and whole.strip() and not is_json(whole)), bad
    assert seen >= calls * len(SUITE) > 0
