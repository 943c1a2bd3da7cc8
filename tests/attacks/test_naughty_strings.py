"""
The Big List of Naughty Strings as every text that a call may hold, in every contract.

Nothing makes us fail or leaves the envelope, what is refused changes nothing, and what is kept comes back as it was.
"""

import base64
import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote_plus

import pytest
from lxml import etree

from lingpai.edge.xml import write_xml
from tests.conformance.stage import Stage
from tests.edge.test_bad_input import CONTRACTS, Sent, answered, failures_are_seen, hashing_is_cheap, right_calls
from tests.tools import naughty_strings

__all__ = ["failures_are_seen", "hashing_is_cheap"]

STRINGS = tuple(naughty_strings())
LEGAL = tuple(naughty.encode().decode() for naughty in STRINGS if naughty and not set(naughty) & set("\r\n\0"))
"""What a header can carry, as the bytes of its UTF-8."""

FEW = 8
"""Of each place that was shown every string in another call, a call is shown every eighth."""


def places(sent: Sent) -> Iterator[tuple[str, object]]:
    """Yield where *sent* holds text, each place with a name that is the same in other calls."""
    _, _, query = sent.target.partition("?")
    for number, field in enumerate(query.split("&") if query else ()):
        yield f"query {field.partition('=')[0]}", ("query", number)
    if sent.body.startswith("{"):
        yield from ((f"json {'.'.join(names)}", ("json", names)) for names in _members(json.loads(sent.body)))
    elif "=" in sent.body and not sent.body.startswith("--"):
        for number, field in enumerate(sent.body.split("&")):
            yield f"form {field.partition('=')[0]}", ("form", number)
    for name, _ in sent.headers:
        yield f"header {name.lower()}", ("header", name)


def _members(value: object, names: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                yield (*names, name)
            yield from _members(inner, (*names, name))


def put(sent: Sent, place: object, naughty: str) -> Iterator[Sent]:
    """Yield *sent* with *naughty* there."""
    match place:
        case ("query", int(number)):
            path, _, query = sent.target.partition("?")
            yield replace(sent, target=f"{path}?{_field(query, number, naughty)}")
        case ("form", int(number)):
            yield replace(sent, body=_field(sent.body, number, naughty))
        case ("json", tuple(names)):
            whole = inner = copy.deepcopy(json.loads(sent.body))
            for name in names[:-1]:
                inner = inner[name]
            inner[names[-1]] = naughty
            yield replace(sent, body=json.dumps(whole, ensure_ascii=False))
        case ("header", str(name)) if naughty in LEGAL:
            yield replace(sent, headers=(*sent.without(name), (name, naughty)))
            if name.lower() == "authorization" and any(v.startswith("Basic ") for n, v in sent.headers if n == name):
                for pair in (f"{naughty}:secret", f"1102084294:{naughty}", naughty):
                    value = "Basic " + base64.b64encode(pair.encode()).decode()
                    yield replace(sent, headers=(*sent.without(name), (name, value)))


def _field(pairs: str, number: int, naughty: str) -> str:
    fields = pairs.split("&")
    fields[number] = f"{fields[number].partition('=')[0]}={quote_plus(naughty)}"
    return "&".join(fields)


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_text_of_every_call_withstands_every_naughty_string(name):
    stage = Stage(name)
    shown: set[str] = set()
    seen = 0
    for sent in right_calls(stage):
        for number, (called, place) in enumerate(places(sent)):
            strings = STRINGS[number % FEW :: FEW] if called in shown else STRINGS
            shown.add(called)
            for naughty in strings:
                for bad in put(sent, place, naughty):
                    answered(stage, bad)
                    seen += 1
    assert len(STRINGS) == 485
    assert seen > 3_000


def test_what_is_kept_comes_back_as_it_was():
    stage = Stage("thinkjs")
    stage.user("mei", "correct horse battery")
    signed_in = '{"username":"mei","password":"correct horse battery"}'
    token = json.loads(stage.answer("POST", "/thinkjs/api/system/token/create", [], signed_in)[2])["data"]["token"]
    kept = 0
    for naughty in STRINGS:
        body = json.dumps({"title": naughty[:120] or "empty", "content": naughty or "empty"})
        told = json.loads(stage.answer("POST", "/thinkjs/api/notice/add", [("Authorization", token)], body)[2])
        if told["errno"]:
            assert told["errno"] == 1001, naughty
            continue
        kept += 1
        newest = json.loads(stage.answer("GET", "/thinkjs/api/notice/list", [], "")[2])["data"]["notices"][0]
        assert (newest["title"], newest["content"]) == (naughty[:120] or "empty", naughty or "empty")
    assert kept > 480


def test_xml_of_any_naughty_string_is_well_formed():
    for naughty in STRINGS:
        written = write_xml("apiResponse", {"data": {"title": naughty}})
        etree.fromstring(written, etree.XMLParser(resolve_entities=False, no_network=True))


def test_a_user_of_any_naughty_name_is_registered_and_told_as_named_or_refused():
    stage = Stage("mowork")
    stage.set("contracts.mowork.registration=open")
    common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1.0", "req_timestamp": ""}
    refused = registered = 0
    for naughty in STRINGS:
        asked = {"username": naughty, "password": "correct horse battery", "truename": naughty, "nickname": naughty}
        body = json.dumps({**common, "requestParam": asked})
        told = json.loads(stage.answer("POST", "/mowork/user/register", [], body)[2])
        if told["resCode"] != "100000":
            assert told["resCode"] in ("100002", "100003"), (naughty, told)
            refused += 1
            continue
        registered += 1
        user, shown = told["responseParam"], {**common, "req_timestamp": told["resTimestamp"]}
        asking = json.dumps({**shown, "user_token": user["token"], "requestParam": {}})
        headers = [("X-Token", user["token"]), ("X-Username", quote_plus(user["username"]).replace("+", "%20"))]
        found = json.loads(stage.answer("POST", "/mowork/user/getinfo", headers, asking)[2])["responseParam"]
        assert (found["truename"], found["nickname"], found["username"]) == (naughty, naughty, user["username"])
    assert registered > 100
    assert refused > 100
