"""The vectors of `p_`, and of the tokens whose shape the document prints."""

import pytest

from lingpai.edge.checks.timestamp import number_of
from lingpai.edge.schemes.opaque import thirteenfold
from lingpai.operations.authorize import auth_code


@pytest.mark.parametrize(
    ("time", "number"),
    [(1422339152058, 8519), (1700000000000, 2345), (1700000009999, 32342), (1422339152, 29801)],
)
def test_a_number_follows_from_its_time(time, number):
    assert number_of(time) == number


@pytest.mark.parametrize("first", range(256))
def test_an_access_token_begins_with_a_digit_and_its_thirteenfold_less_eleven(first):
    token = thirteenfold(lambda size: bytes([first]) + b"\xab" * (size - 1), 1, 0)
    digit = int(token[0])

    assert 1 <= digit <= 9
    assert token == f"{digit}{13 * digit - 11}" + "ab" * 16
    assert 34 <= len(token) <= 36


@pytest.mark.parametrize("sample", ["9106c9fd1e138a042d4aedf94cede7a766e0", "55427e5af26a1319e168beb699b0fd1b11e"])
def test_both_tokens_of_the_document_have_that_shape(sample):
    digit = int(sample[0])

    assert sample[1:].removeprefix(str(13 * digit - 11)) == sample[-32:]


def test_a_code_is_the_beginning_of_the_sha512_of_a_hundred_random_bytes():
    assert auth_code(bytes(100)) == "f206f4f0ef09b90837f1d15a07c6cf4bd291d817"
