"""A JWT as it is written and read: to which length, under which keys, and which claims can be ours."""

import hashlib
import hmac

import pytest

from lingpai.edge.schemes.jwt import HEADER, is_session_id, is_whole, read_jwt, write_jwt
from lingpai.vocabulary.outcomes import Outcome, Refused
from tests.attacks.forging import base64url

KEY, ANOTHER = b"a key for these tests, 32 bytes!", b"another key for tests, 32 bytes!"


def rightly_signed(payload, header=HEADER):
    signed = f"{header}.{payload}"
    return f"{signed}.{base64url(hmac.digest(KEY, signed.encode(), hashlib.sha256))}"


def outcome(token):
    with pytest.raises(Refused) as refused:
        read_jwt(token, [KEY])
    return refused.value.outcome


def test_a_token_may_have_4096_characters_and_no_more():
    longest, longer = (write_jwt({"a": "x" * count}, KEY) for count in (3003, 3004))

    assert (len(longest), len(longer)) == (4096, 4097)
    assert read_jwt(longest, [KEY]) == {"a": "x" * 3003}
    assert outcome(longer) is Outcome.CREDENTIALS_BAD


def test_claims_are_written_as_utf8_without_blanks_or_escapes():
    assert write_jwt({"username": "王", "id": 1}, KEY) == rightly_signed(base64url('{"username":"王","id":1}'.encode()))


@pytest.mark.parametrize("count", range(12))
def test_claims_of_any_length_are_read_back(count):
    assert read_jwt(write_jwt({"a": "x" * count}, KEY), [KEY]) == {"a": "x" * count}


def test_a_key_of_less_than_32_bytes_neither_signs_nor_is_tried():
    token = write_jwt({"id": 1}, KEY)

    for use in (lambda key: write_jwt({}, key), lambda key: read_jwt(token, [key])):
        with pytest.raises(ValueError, match="32 bytes"):
            use(KEY[:31])


def test_whichever_of_the_keys_has_signed_it_a_token_is_read():
    token = write_jwt({"id": 1}, KEY)

    for keys in ([KEY], [KEY, ANOTHER], [ANOTHER, KEY]):
        assert read_jwt(token, keys) == {"id": 1}


@pytest.mark.parametrize(
    "payload",
    [
        base64url(b'{"id":1}') + "=",
        base64url(b'{"id":1}') + "!",
        "a",
        "",
        base64url(b"[1]"),
        base64url(b"{"),
        "e31",
        base64url(b'{"a":' + b"[" * 1400 + b"]" * 1400 + b"}"),
    ],
)
def test_a_payload_that_we_could_not_have_written_is_refused_though_rightly_signed(payload):
    assert outcome(rightly_signed(payload)) is Outcome.CREDENTIALS_BAD


@pytest.mark.parametrize(
    "token", ["", "a", "a.b", HEADER, f"{HEADER}.e30", f"{HEADER}.e30.", f"{HEADER}.e30.é", f"{HEADER}.e30.\ud800"]
)
def test_what_has_no_signature_of_ours_is_refused(token):
    assert outcome(token) is Outcome.CREDENTIALS_BAD


def test_another_header_is_refused_though_rightly_signed():
    another = base64url(b'{"alg":"HS512","typ":"JWT"}')

    assert len(another) == len(HEADER)
    assert outcome(rightly_signed("e30", another)) is Outcome.CREDENTIALS_BAD
    assert read_jwt(rightly_signed("e30"), [KEY]) == {}


@pytest.mark.parametrize("claim", [0, 1, 2**53])
def test_a_claim_is_a_number_of_ours_up_to_where_those_of_javascript_are_exact(claim):
    assert is_whole(claim) is True


@pytest.mark.parametrize("claim", [-1, 2**53 + 1, True, 1.0, "1", None, [1]])
def test_any_other_claim_is_no_number_of_ours(claim):
    assert is_whole(claim) is False


@pytest.mark.parametrize(
    ("claim", "expected"),
    [("a", True), ("Az09-_" + "a" * 58, True), ("a" * 65, False), ("", False), ("a.b", False), ("a\n", False)]
    + [(claim, False) for claim in (None, 1, ["a"], b"a")],
)
def test_a_session_is_named_by_1_to_64_letters_of_base64url(claim, expected):
    assert is_session_id(claim) is expected
