"""Bytes become members, or the call ends unreadable: there is no third way."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingpai.edge.call import Call, Request
from lingpai.edge.describing import Asked
from lingpai.edge.reading import (
    DEEPEST,
    MOST_MEMBERS,
    NestedArguments,
    read_form,
    read_json,
    read_multipart,
    read_object,
)
from lingpai.vocabulary.outcomes import Outcome, Refused


def outcome(read, *arguments):
    try:
        read(*arguments)
    except Refused as refusal:
        return refusal.outcome
    return Outcome.OK


def unreadable(read, *arguments):
    return outcome(read, *arguments) is Outcome.UNREADABLE


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a":1,}',
        b"{'a':1}",
        b"{a:1}",
        b'{"a":1} // comment',
        b'{"a":1}{"b":2}',
        b"undefined",
        b"NaN",
        b'{"a":NaN}',
        b"[Infinity]",
        b"-Infinity",
        b"01",
        b"+1",
        b".5",
        b'"\t"',
        b'"\0"',
        b'"\xff"',
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32"),
    ],
)
def test_what_is_no_json_is_unreadable(text):
    assert unreadable(read_json, text)


@pytest.mark.parametrize("text", [b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'[{"a":1,"\\u0061":2}]'])
def test_a_member_that_appears_twice_is_unreadable_at_any_depth_and_in_any_spelling(text):
    assert unreadable(read_json, text)


@pytest.mark.parametrize("nest", ["[{}]", '{{"a":{}}}'])
def test_thirty_two_levels_are_read_and_one_more_is_not(nest):
    def nested(levels):
        value = "7"
        for _ in range(levels):
            value = nest.format(value)
        return value.encode()

    assert read_json(nested(DEEPEST))
    assert unreadable(read_json, nested(DEEPEST + 1))


def test_depth_is_counted_where_it_is_and_not_by_brackets():
    wide: list[list[list[int]]] = [[[]] for _ in range(100)]

    assert read_json(json.dumps(wide).encode()) == wide
    assert read_json(b'"' + b"[" * 1000 + b'"') == "[" * 1000


@pytest.mark.parametrize("text", [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000])
def test_a_hundred_thousand_levels_end_as_any_other_unreadable_text(text):
    assert unreadable(read_json, text)


@pytest.mark.parametrize(
    "text",
    [b'"\\u0000"', b'"a\\u0000b"', b'{"\\u0000":1}', b'"\\ud800"', b'"\\uDFFF"', b'{"\\ud800":1}', b'"\\udc00\\ud800"'],
)
def test_nul_and_half_a_surrogate_pair_are_unreadable_even_when_escaped(text):
    assert unreadable(read_json, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [(b'"\\ud83d\\ude00"', "😀"), (b'"\\\\u0000"', "\\u0000"), (b'"\\\\ud800"', "\\ud800"), ('"令"'.encode(), "令")],
)
def test_what_only_looks_like_them_is_text(text, value):
    assert read_json(text) == value


@pytest.mark.parametrize("text", [b"1e400", b"-1e400", b"1" * 5000, b'{"a":[1e999]}'])
def test_a_number_that_no_double_holds_is_unreadable(text):
    assert unreadable(read_json, text)


def test_a_number_of_many_digits_is_read_exactly():
    assert read_json(b"9" * 400) == int("9" * 400)
    assert read_json(b"1e308") == 1e308


@pytest.mark.parametrize("text", [b"[]", b"null", b"7", b'"{}"', b"true"])
def test_only_an_object_is_an_object(text):
    assert unreadable(read_object, text)


@pytest.mark.parametrize("text", [b"", b"  \r\n\t"])
def test_nothing_is_an_empty_object(text):
    assert read_object(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        b"a=%",
        b"a=%1",
        b"a=%zz",
        b"%=1",
        b"a=%ff",
        b"a=\xff",
        b"a=%c0%af",
        b"a=%ed%a0%80",
        b"a=%00",
        b"%00=1",
        b"a=\0",
        b"a=1&a=1",
        b"a=1&%61=2",
        b"&".join(b"m%d=" % n for n in range(MOST_MEMBERS + 1)),
    ],
)
def test_what_is_no_form_is_unreadable(text):
    assert unreadable(read_form, text)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        (b"a=1+2%203&b=&c", {"a": "1 2 3", "b": "", "c": ""}),
        (b"a=%E4%BB%A4&%62=%2B", {"a": "令", "b": "+"}),
        ("a=令".encode(), {"a": "令"}),
        (b"&&a=1&", {"a": "1"}),
        (b"a[b]=1&a%5Bc%5D=2", {"a[b]": "1", "a[c]": "2"}),
        (b"a==", {"a": "="}),
    ],
)
def test_forms_are_read_as_browsers_write_them(text, members):
    assert read_form(text) == members


def test_the_last_of_a_repeated_member_counts_where_the_house_says_so():
    assert read_form(b"a=1&a=2", last_wins=True) == {"a": "2"}


def part(name, value, *, more=""):
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'.encode()


KIND = "multipart/form-data; boundary=b"


def test_a_multipart_form_is_read_field_by_field():
    assert read_multipart(KIND, part("a", "1\r\n2") + part("令", "牌") + b"--b--\r\n") == {"a": "1\r\n2", "令": "牌"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", part("a", "1") + b"--b--"),
        (KIND, b""),
        (KIND, part("a", "1")),
        (KIND, b"preamble" + part("a", "1") + b"--b--"),
        (KIND, part("a", "1") + part("a", "1") + b"--b--"),
        (KIND, part("a", "1", more='; filename="x"') + b"--b--"),
        (KIND, part("a", "\0") + b"--b--"),
        (KIND, part("a", "1").replace(b"1", b"\xff") + b"--b--"),
        (KIND, b"--b\r\n\r\n1\r\n--b--"),
        (KIND, b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--"),
    ],
)
def test_what_is_no_multipart_form_is_unreadable(kind, body):
    assert unreadable(read_multipart, kind, body)


def test_no_multipart_form_keeps_the_event_loop_busy():
    slow = b"--b\r\n" + b"form-data;" * 6400 + b"\r\n\r\n1\r\n--b--"
    began = time.thread_time()

    assert unreadable(read_multipart, KIND, slow)

    assert time.thread_time() - began < 0.2


READERS = {
    "json": read_json,
    "object": read_object,
    "form": read_form,
    "multipart": lambda text: read_multipart(KIND, text),
}
JSONISH = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b",", b":", b'"', b'"a"', b"\\", b"\\u0000", b"\\ud800", b"1", b"-", b"e9", b"nul"]
    )
    | st.binary(max_size=3)
).map(b"".join)
FORMISH = st.lists(st.sampled_from([b"a", b"=", b"&", b"%", b"%0", b"%00", b"%ff", b"+", b"[", b"]"])).map(b"".join)
PARTISH = st.lists(
    st.sampled_from([b"--b", b"--", b"\r\n", b"form-data;", b' name="', b'"', b"filename="]) | st.binary(max_size=3)
).map(b"".join)


@pytest.mark.parametrize("reader", READERS)
@given(text=st.binary() | JSONISH | FORMISH | PARTISH)
def test_any_bytes_are_members_or_unreadable(reader, text):
    assert outcome(READERS[reader], text) in (Outcome.OK, Outcome.UNREADABLE)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(value=VALUES, escaped=st.booleans())
def test_what_was_written_as_json_is_read_as_it_was(value, escaped):
    assert read_json(json.dumps(value, ensure_ascii=escaped).encode()) == value


NOTHING: Any = None


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        (b"requestParam[x]=1", {"x": "1"}),
        (b"requestParams=1", {"requestParams": "1"}),
        (b"requestParam[x=1", {"requestParam[x": "1"}),
        (b"requestParamx]=1", {"requestParamx]": "1"}),
    ],
)
def test_a_member_that_only_begins_like_the_nest_is_one_of_its_own(query, arguments):
    call = Call(Request("GET", "/", query, (), b""), NOTHING, NOTHING, 0)

    NestedArguments("requestParam")(call)

    assert call.arguments == arguments
    assert call.query == ({} if "x" in arguments else arguments)


def test_a_call_without_arguments_is_described_without_a_nest():
    common = Asked(place="query", name="client_type")
    nested = NestedArguments("requestParam")

    bare, whole = nested.places("GET", [common]), nested.places("GET", [common, Asked(place="argument", name="x")])

    assert ([each["name"] for each in bare.query], bare.words) == (["client_type"], ("", ""))
    assert [each["name"] for each in whole.query] == ["client_type", "requestParam"]
    assert "requestParam={…}" in whole.words[1]
