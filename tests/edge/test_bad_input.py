"""
Bad input of any kind ends inside the contract's envelope, with a row of its code table, and changes nothing.

Every contract that can be found is attacked: each of its routes with nothing to show, and each call that its
transcript makes with success, spoilt in one place. A new contract is covered by being there.
"""

import base64
import copy
import json
import logging
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import argon2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingpai.composition import declarations
from lingpai.edge.call import Request
from lingpai.edge.codes import Code
from lingpai.edge.contract import Contract, Route
from lingpai.edge.reading import read_form
from lingpai.edge.schemes.jwt import write_jwt
from lingpai.stores.memory import Rows
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import Settings
from tests.conformance.stage import Stage
from tests.conformance.transcripts import exchanges, filled, head_and_body

TRANSCRIPTS = Path(__file__).parent.parent / "conformance"
CONTRACTS = sorted(declarations(Settings()))
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sent:
    """A request; bytes that are no UTF-8 stand in its text as `surrogateescape` writes them."""

    method: str
    target: str
    headers: Headers = ()
    body: str = ""

    def without(self, name: str) -> Headers:
        return tuple(header for header in self.headers if header[0].lower() != name.lower())


def text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


# The corpus.

BODIES = {
    "broken": '{"a":',
    "array": "[]",
    "array of objects": '[{"username":"mei"}]',
    "null": "null",
    "text": '"text"',
    "number": "7",
    "true": "true",
    "doubled": '{"a":1,"a":1}',
    "no UTF-8": text(b'{"a":"\xff"}'),
    "overlong UTF-8": text(b'{"a":"\xc0\xaf"}'),
    "raw NUL": '{"a":"\0"}',
    "escaped NUL": '{"a":"\\u0000"}',
    "half a pair": '{"a":"\\ud800"}',
    "BOM": '\ufeff{"a":1}',
    "NaN": '{"a":NaN}',
    "infinite": '{"a":1e400}',
    "digits": '{"a":' + "9" * 5000 + "}",
    "deep": '{"a":' + "[" * 20_000 + "]" * 20_000 + "}",
    "deeper than any body": "[" * 100_000 + "]" * 100_000,
    "large": '{"a":"' + "x" * 70_000 + '"}',
    "largest": '{"a":"' + "x" * 65_000 + '"}',
    "bad escape": "a=%zz",
    "form of no UTF-8": "a=%ff",
    "form with NUL": "a=%00",
    "doubled in a form": "a=1&a=2",
    "brackets": "a[=1&a]=2&[]=3&a[b][c]=4",
    "many members": "&".join(f"m{n}=" for n in range(1001)),
    "XML": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
}
NO_JSON_OBJECT = frozenset(
    body for name, body in BODIES.items() if body[:1] in ("{", "[", "n", "t", "7", '"', "\ufeff") and name != "largest"
)
"""Bodies that no reader of JSON objects lets pass."""

CONTENT_TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "text/xml",
    "",
    "; ;=,",
    text(b"\xff"),
)
QUERIES = ("%", "a=%zz", "a=%ff", "a=%00", "a=1&a=1", "&&&", "=", "[]=1", "x" * 20_000, BODIES["many members"])
JSON_VALUES: tuple[object, ...] = (
    None,
    True,
    7,
    -1,
    1.5,
    2**70,
    [],
    {},
    [["a"]],
    {"a": {"b": 1}},
    "",
    " ",
    "x" * 5000,
    "\u202e",
    "%00",
    "' OR 1=1 --",
    "\U0001f600" * 100,
)
FIELD_VALUES = ("", "%", "%00", "%FF", "%20", "x" * 5000, "-1", "1e9", "%F0%9F%98%80", "a&{name}=b")


def forged(key: bytes = b"another key of thirty-two bytes!", **header: str) -> str:
    """Return a JWT with a right payload for anybody, under another header or key."""
    claims = {"exp": 4102444800, "iat": 1, "iss": "mmm_oppmg", "nbf": 1, "uid": 1, "company_id": 1, "user_id": 1}
    claims |= {"userInfo": {"id": 1}, "sid": "A" * 22, "jti": "1"}
    signed = write_jwt(claims, key)
    if header:
        encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        signed = ".".join([encoded, *signed.split(".")[1:]])
    return signed


CREDENTIALS = (
    "",
    "x",
    "x" * 5000,
    "\u4ee4\u724c",
    text(b"\xff\xfe"),
    "..",
    "a.b.c",
    forged(),
    forged(b"access-key-for-tests-of-32-bytes"),
    forged(b"refresh-key-for-tests-of-32bytes"),
    forged(b"thinkjs-key-for-tests-of-32bytes"),
    forged(alg="none", typ="JWT"),
    forged(alg="none", typ="JWT").rpartition(".")[0] + ".",
    forged(alg="HS512", typ="JWT"),
    forged(alg="RS256", typ="JWT", jwk="{}"),
    forged() + "==",
    " " + forged() + " ",
    forged().replace(".", " .", 1),
    forged() + "." + forged(),
    forged() + "A" * 5000,
    "Bearer " + forged(),
    "Basic " + base64.b64encode(b"client:secret").decode(),
    "Basic " + base64.b64encode(b"client:\xff").decode(),
    "Basic !",
    "Basic",
    "Bearer",
)


def spoilt_bodies(sent: Sent) -> Iterator[Sent]:
    """Yield *sent* with other bodies, and with other content types."""
    for body in BODIES.values():
        yield replace(sent, body=body)
        for kind in CONTENT_TYPES[:3]:
            yield replace(sent, body=body, headers=(*sent.without("content-type"), ("Content-Type", kind)))
    for kind in CONTENT_TYPES:
        yield replace(sent, headers=(*sent.without("content-type"), ("Content-Type", kind)))
    yield replace(sent, body="")
    yield replace(sent, body=sent.body[: len(sent.body) // 2])
    yield replace(sent, body=sent.body * 2)


def spoilt_json(sent: Sent) -> Iterator[Sent]:
    """Yield *sent* with each member of its JSON body missing, doubled, or another value."""
    try:
        whole = json.loads(sent.body)
    except ValueError:
        return
    for place, others in _members(whole):
        yield replace(sent, body=json.dumps(_changed(whole, place, lambda inner, name: inner.pop(name))))
        for value in JSON_VALUES:
            if value not in others:
                changed = _changed(whole, place, lambda inner, name, value=value: inner.update({name: value}))
                yield replace(sent, body=json.dumps(changed))


def _members(value: object, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], tuple[object]]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*place, name), (inner,)
            yield from _members(inner, (*place, name))


def _changed(whole: object, place: tuple[str, ...], change: Callable[..., object]) -> object:
    changed = inner = copy.deepcopy(whole)
    for name in place[:-1]:
        inner = inner[name]  # type: ignore[index]
    change(inner, place[-1])
    return changed


def spoilt_fields(pairs: str) -> Iterator[str]:
    """Yield the query or form *pairs* with each field missing, doubled, or another value."""
    fields = pairs.split("&")
    for place, field in enumerate(fields):
        name, _, old = field.partition("=")
        before, after = fields[:place], fields[place + 1 :]
        yield "&".join([*before, *after])
        yield "&".join([*fields, field])
        yield "&".join([*fields, f"{name}=other"])
        yield "&".join([*before, f"{name}[a]={old}", *after])
        for value in FIELD_VALUES:
            yield "&".join([*before, f"{name}={value.format(name=name)}", *after])


def spoilt_targets(sent: Sent) -> Iterator[Sent]:
    """Yield *sent* with other queries, paths and methods."""
    path, _, query = sent.target.partition("?")
    for more in QUERIES:
        yield replace(sent, target=f"{path}?{query}&{more}")
        yield replace(sent, target=f"{path}?{more}")
    if query:
        for other in spoilt_fields(query):
            yield replace(sent, target=f"{path}?{other}")
    for other in (
        path + "/",
        path + "/..",
        path + "\0",
        path + "\ufffd",
        path + "x" * 5000,
        path.rpartition("/")[0] + "/",
    ):
        yield replace(sent, target=f"{other}?{query}")
    for method in ("HEAD", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "get", "\xff", "X" * 100):
        yield replace(sent, method=method)


def spoilt_headers(contract: Contract) -> Callable[[Sent], Iterator[Sent]]:
    """Return what yields a request with other credentials wherever *contract* may carry them, and odd headers."""
    names = dict.fromkeys(("Authorization", *contract.request_headers))

    def spoil(sent: Sent) -> Iterator[Sent]:
        for name in names:
            yield replace(sent, headers=sent.without(name))
            for value in CREDENTIALS:
                yield replace(sent, headers=(*sent.without(name), (name, value)))
                yield replace(sent, headers=(*sent.headers, (name, value)))
        for name, value in sent.headers:
            yield replace(sent, headers=(*sent.headers, (name, value)))
        yield replace(sent, headers=(*sent.headers, ("Authorization", CREDENTIALS[-5]), ("Authorization", "Bearer x")))
        for name in ("Origin", "Accept-Language", "X-Forwarded-For", "If-None-Match", "Content-Length", "Host"):
            for value in ("", "x" * 5000, text(b"\xff"), "-1", "\u4ee4"):
                yield replace(sent, headers=(*sent.without(name), (name, value)))

    return spoil


def spoilt_forms(sent: Sent) -> Iterator[Sent]:
    """Yield *sent* with each field of its form spoilt."""
    if "=" in sent.body and not sent.body.startswith(("{", "--")):
        for other in spoilt_fields(sent.body):
            yield replace(sent, body=other)


def spoilt(sent: Sent, contract: Contract) -> Iterator[Sent]:
    """Yield *sent*, spoilt in one place, in every way we know."""
    for way in (spoilt_bodies, spoilt_json, spoilt_forms, spoilt_targets, spoilt_headers(contract)):
        yield from way(sent)


# The judge.


def stands(code: Code, status: int, body: str) -> bool:
    """Return whether *body* is an answer with that row of the table."""
    messages = {code.chinese, code.english or code.chinese}
    if status != code.status:
        return False
    if body in messages:
        return True
    try:
        told = json.loads(body)
    except ValueError:
        return str(code.number) in body and any(message in body for message in messages)
    members = list(told.values())
    # The message comes before the data, and may go on to say why.
    said = next((m for m in members[:3] if isinstance(m, str) and m != code.number), "")
    return code.number in members and said.startswith(tuple(messages))


class Failures(logging.Handler):
    """What was logged as our own failure."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(logging.Formatter().format(record))


FAILURES = Failures()


@pytest.fixture(autouse=True)
def failures_are_seen():
    logger = logging.getLogger("lingpai")
    logger.addHandler(FAILURES)
    yield
    logger.removeHandler(FAILURES)
    FAILURES.records.clear()


@pytest.fixture(autouse=True)
def hashing_is_cheap(monkeypatch):
    """Thousands of right passwords are verified here, and how dear a hash is matters to none of it."""
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("lingpai.principals.passwords.argon2._HASHER", cheap)
    monkeypatch.setattr("lingpai.principals.passwords.gate.NOBODYS", cheap.hash("nobody"))


def kept(rows: Rows) -> Rows:
    """Return a copy of all that bad input must not change: all but last-seen and what is counted."""
    copied = rows.copy()
    copied.weak_uses, copied.tries = {}, {}
    copied.sessions = {
        name: msgspec.structs.replace(s, last_seen=0, idle_end=None) for name, s in rows.sessions.items()
    }
    return copied


@contextmanager
def undone(stage: Stage) -> Iterator[None]:
    """Let whatever happens in the block not have happened, so that what comes next finds what it expects."""
    rows, number = stage.tables.rows.copy(), next(stage._numbers)
    stage._numbers = count(number)
    yield
    stage._numbers = count(number)
    if stage.tables.rows != rows:
        stage.tables.rows = rows
        stage.house.remembered.forget_everything()


def answered(stage: Stage, sent: Sent) -> bool:
    """
    Send, and return whether the call succeeded. Nothing that it did is kept.

    Raises:
        AssertionError: We failed, the answer has no row in the contract's table, or a refusal changed something.

    """
    contract = stage.house.served[stage.name].contract
    with undone(stage):
        before = kept(stage.tables.rows)
        status, _, raw = stage.answer(sent.method, sent.target, list(sent.headers), sent.body)
        changed = kept(stage.tables.rows) != before
    body = raw.decode()
    assert not FAILURES.records, f"{sent}\n  made us fail: {FAILURES.records.pop()}"
    if any(stands(code, status, body) for code in fine(contract)):
        return True
    known = sent.method == "OPTIONS" and status == 204
    assert known or any(stands(code, status, body) for code in contract.codes.rows), f"{sent}\n  {status} {body[:500]}"
    assert not changed, f"{sent}\n  was refused, yet changed something: {body[:500]}"
    return False


def fine(contract: Contract) -> tuple[Code, ...]:
    """Return the rows of success: the table's, and those of the routes that say it in their own words."""
    row = contract.codes[Outcome.OK]
    own = {route.message for route in contract.all_routes() if route.message}
    return (row, *(replace(row, chinese=chinese, english=english) for chinese, english in own))


# The attacks.


def path_of(contract: Contract, route: Route) -> str:
    """Return the path by which *route* is asked for."""
    return f"/{contract.name}" + re.sub(r"\{(\w+)\}", lambda named: {"format": "json"}.get(named[1], "1"), route.path)


@pytest.mark.parametrize("name", CONTRACTS)
def test_no_route_lets_bad_input_in_or_breaks_on_it_from_somebody_with_nothing_to_show(name):
    stage = Stage(name)
    contract = stage.house.served[name].contract
    for route in contract.all_routes():
        for method in route.methods:
            sent = Sent(method, path_of(contract, route), body="{}" if method == "POST" else "")
            assert route_of(contract, sent) == (route.path, method)
            for bad in spoilt(sent, contract):
                answered(stage, bad)


def route_of(contract: Contract, sent: Sent) -> tuple[str, str] | None:
    """Return path and method of the route that *sent* asks for, or None where it asks for none."""
    path, _, query = sent.target.partition("?")
    try:
        members = read_form(query.encode())
    except Refused:
        return None
    request = Request(sent.method, path.removeprefix(f"/{contract.name}"))
    route = contract.rows(request, members).get(sent.method)
    return (route.path, sent.method) if route else None


def right_calls(stage: Stage) -> Iterator[Sent]:
    """Play the transcript, and yield for each route the first call that succeeds, when it is about to be made."""
    contract = stage.house.served[stage.name].contract
    met = set()
    for exchange in exchanges((TRANSCRIPTS / f"{stage.name}.http").read_text(encoding="utf-8")):
        for direction in exchange.stage:
            verb, *words = shlex.split(direction)
            getattr(stage, verb)(*words)
        method, _, target = exchange.sent[0].partition(" ")
        headers, body = head_and_body(exchange.sent[1:])
        target = filled(target, target, stage)
        there = tuple((name, filled(value, target, stage)) for name, value in headers)
        sent = Sent(method, target, there, filled(body, target, stage))
        route = route_of(contract, sent)
        if route is not None and route not in met and not stage.tables.fault and answered(stage, sent):
            met.add(route)
            yield sent
        FAILURES.records.clear()
        stage.answer(sent.method, sent.target, list(sent.headers), sent.body)
        FAILURES.records.clear()
    every = {(route.path, method) for route in contract.all_routes() for method in route.methods}
    # A route that may be asked in several ways is heard in one of them at least.
    assert {path for path, _ in every} == {path for path, _ in met}, "routes that no exchange calls with success"


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_right_call_spoilt_anywhere_is_refused_or_harmless(name):
    stage = Stage(name)
    contract = stage.house.served[name].contract
    for sent in right_calls(stage):
        for bad in spoilt(sent, contract):
            succeeded = answered(stage, bad)
            assert not (succeeded and sent.body.startswith("{") and bad.body in NO_JSON_OBJECT), bad


WORDS = st.text(st.characters(exclude_categories=["Cs"]))
ESCAPED = st.lists(st.sampled_from(["a", "=", "&", "%", "%00", "%ff", "%5B", "[", "]", "+"]) | WORDS).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
    max_leaves=5,
)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_right_call_with_anything_put_in_is_refused_or_harmless(name):
    stage = Stage(name)
    contract = stage.house.served[name].contract
    headers = [*contract.request_headers, "Authorization", "Content-Type", "Accept-Language", "Origin"]
    for sent in right_calls(stage):
        attack(stage, sent, headers)


def attack(stage: Stage, sent: Sent, header_names: list[str]) -> None:
    """Put anything that hypothesis thinks of into *sent*, a while long."""
    path, _, query = sent.target.partition("?")
    names = re.findall(r'"([^"]+)":', sent.body) + re.findall(r"(?:^|&)([^&=]+)=", sent.body) + ["username"]

    def headers(more: tuple[str, bytes]) -> Sent:
        return replace(sent, headers=(*sent.without(more[0]), (more[0], text(more[1]))))

    bodies = st.binary().map(text) | st.dictionaries(st.sampled_from(names), VALUES).map(json.dumps) | ESCAPED
    queries = ESCAPED | ESCAPED.map(lambda more: f"{query}&{more}")
    spoiling = (
        bodies.map(lambda body: replace(sent, body=body))
        | queries.map(lambda other: replace(sent, target=f"{path}?{other}"))
        | st.tuples(st.sampled_from(header_names), st.binary()).map(headers)
    )

    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(bad=spoiling)
    def attacked(bad: Sent) -> None:
        answered(stage, bad)

    attacked()
