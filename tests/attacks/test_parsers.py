"""
Properties of everything that reads what strangers send: what we write is read back, anything else is read or refused.

A reader may end in its own refusal and in nothing else, whatever bytes it is given.
"""

import base64
import json
import math
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lingpai.edge.call import Call, Request
from lingpai.edge.carriers import read_basic
from lingpai.edge.checks.server_time import read_server_time, write_server_time
from lingpai.edge.reading import FormBody, JsonBody, NestedArguments, QueryOrForm, read_form, read_json, read_multipart
from lingpai.edge.schemes.jwt import HEADER, LONGEST, read_jwt, write_jwt
from lingpai.edge.triples import ByTriple
from lingpai.principals.names import name_key
from lingpai.vocabulary.arguments import Text, Unfit, Whole
from lingpai.vocabulary.outcomes import Outcome, Refused
from tests.attacks.forging import Good
from tests.conformance.stage import Stage

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
    max_leaves=20,
)
ODD_JSON = st.lists(
    st.sampled_from([*'{}[],:" \\\t\n\0', "\\u", "\\ud800", "0000", "1e999", "-", ".", "NaN", "true", "nul", '"a":'])
    | WORDS
).map("".join)
ODD_FORM = st.lists(
    st.sampled_from(["a", "=", "&", ";", "%", "%0", "%00", "%ff", "%5B", "[", "]", "+", "\0"]) | WORDS
).map("".join)
BOUNDARY = "--x\r\n"
PART = 'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n'
ODD_PARTS = st.lists(st.sampled_from([BOUNDARY, PART, "--x--", "\r\n", "\n", "\0", 'filename="b"']) | WORDS).map(
    lambda parts: BOUNDARY + "".join(parts)
)
BOUNDARIES = st.sampled_from(["", "; boundary=x", "; boundary=", '; boundary="', "; boundary=" + "x" * 300])
KEY = b"a key for these tests, 32 bytes!"
GOOD = Good(write_jwt({"sid": "a"}, KEY), KEY, {})
READERS = (
    JsonBody(),
    FormBody(),
    FormBody(query_wins=True, last_wins=True),
    QueryOrForm(frozenset({"a"})),
    NestedArguments("requestParam", aliases={"user token": "user_token"}, credentials=frozenset({"user_token"})),
)

quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def refused_at_most(read, *given, outcome=Outcome.UNREADABLE, **more):
    """Return what is read, or None where that was refused with *outcome*; anything else that is raised, is."""
    try:
        return read(*given, **more)
    except Refused as refusal:
        if refusal.outcome is not outcome:
            raise
        return None


@quick
@given(JSON, st.booleans())
def test_json_that_anybody_writes_is_read_back(value, escaped):
    assert read_json(json.dumps(value, ensure_ascii=escaped).encode()) == value


@quick
@given(st.binary() | ODD_JSON.map(str.encode))
def test_any_bytes_are_json_or_unreadable(text):
    value = refused_at_most(read_json, text)
    if value is not None:
        assert value == json.loads(text)
        assert not isinstance(value, float) or math.isfinite(value)


@quick
@given(st.dictionaries(WORDS, WORDS))
def test_a_form_that_anybody_writes_is_read_back(members):
    assert read_form(urlencode(members).encode()) == members


@quick
@given(st.binary() | ODD_FORM.map(str.encode), st.booleans())
def test_any_bytes_are_a_form_or_unreadable(text, last_wins):
    members = refused_at_most(read_form, text, last_wins=last_wins)
    assert members is None or all("\0" not in part for pair in members.items() for part in pair)


@quick
@given(ODD_PARTS.map(str.encode) | st.binary(), BOUNDARIES | WORDS)
@example((BOUNDARY + PART + "--x--\r\n").encode(), "; boundary=x")
def test_any_bytes_are_a_multipart_form_or_unreadable(body, kind):
    refused_at_most(read_multipart, f"multipart/form-data{kind}", body)


@pytest.fixture(scope="module")
def stage():
    return Stage("mowork")


@pytest.mark.parametrize("reader", READERS, ids=repr)
def test_any_request_reads_into_members_or_is_unreadable(reader, stage):
    contract, desk = stage.house.served["mowork"].contract, stage.house._asking_desk()
    kinds = st.sampled_from(["application/json", "multipart/form-data; boundary=x", "text/plain"]) | WORDS

    @quick
    @given(
        st.sampled_from(["GET", "POST"]),
        st.binary() | ODD_FORM.map(str.encode),
        st.binary() | ODD_JSON.map(str.encode) | st.dictionaries(WORDS, JSON).map(json.dumps).map(str.encode),
        kinds.map(str.encode) | st.binary(),
    )
    def read(method, query, body, kind):
        call = Call(Request(method, "/", query, ((b"content-type", kind),), body), contract, desk, stage.now)
        refused_at_most(reader, call)
        assert isinstance(call.arguments, dict)

    read()


@quick
@given(st.dictionaries(WORDS, WORDS | st.booleans() | st.integers(-(2**63), 2**63)))
def test_claims_that_we_write_are_read_back(claims):
    token = write_jwt(claims, KEY)
    assert len(token) > LONGEST or read_jwt(token, [KEY]) == claims


@quick
@given(WORDS | WORDS.map(lambda rest: f"{HEADER}.{rest}") | st.binary().map(GOOD.signed) | WORDS.map(GOOD.signed))
def test_any_text_is_a_token_of_ours_or_bad_credentials(token):
    claims = refused_at_most(read_jwt, token, [KEY], outcome=Outcome.CREDENTIALS_BAD)
    assert claims is None or isinstance(claims, dict)


@quick
@given(st.integers(0, 253_402_300_799_999))
def test_a_time_that_we_write_is_read_back(milliseconds):
    assert read_server_time(write_server_time(milliseconds)) == milliseconds


@quick
@given(WORDS | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}:[0-9]{3}", fullmatch=True))
def test_any_text_is_a_time_or_none(text):
    read = read_server_time(text)
    assert read is None or write_server_time(read) == text


def test_any_header_is_a_user_and_a_password_or_bad_credentials(stage):
    contract, desk = stage.house.served["mowork"].contract, stage.house._asking_desk()
    packed = st.binary().map(base64.b64encode)

    @quick
    @given(st.binary() | packed.map(lambda text: b"Basic " + text) | packed.map(lambda text: b"basic  " + text + b"="))
    def read(value):
        call = Call(Request("GET", "/", headers=((b"authorization", value),)), contract, desk, stage.now)
        shown = refused_at_most(read_basic, call, outcome=Outcome.CREDENTIALS_BAD)
        assert shown is None or all(isinstance(part, str) for part in shown)

    read()


@quick
@given(JSON | WORDS)
def test_any_value_fits_a_field_or_is_unfit(value):
    for field in (Text("a"), Text("a", pattern="[a-z]+"), Text("a", one_of=("b",)), Whole("a"), Whole("a", most=9)):
        with suppress(Unfit):
            read = field.read(value)
            assert isinstance(read, str | int)
            assert not isinstance(read, bool)


@quick
@given(WORDS, st.dictionaries(st.sampled_from(["mod", "ctl", "act"]), WORDS))
def test_any_path_names_three_plain_words_or_nothing(path, query):
    for asked in (path, "/" + path, "/", "/index.php"):
        triple = ByTriple().triple(asked, query)
        assert triple is None or all(word.isascii() and 0 < len(word) <= 32 for word in triple)


@quick
@given(WORDS)
def test_the_key_of_a_name_is_its_own_key(name):
    assert name_key(name_key(name)) == name_key(name)
