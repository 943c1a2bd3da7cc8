"""What the tokens look like that mean nothing by themselves, and how much of them nobody can guess."""

import hashlib
import random
import re

import pytest

from lingpai.edge.call import Call, Request
from lingpai.edge.schemes.opaque import Opaque, capitals, thirteenfold
from lingpai.edge.schemes.user_token import user_token
from lingpai.vocabulary.outcomes import Outcome, Refused
from tests.conformance.stage import Stage


def test_mowork_has_32_of_all_digits_and_capitals():
    tokens = [capitals(random.Random(seed).randbytes, 1, 1) for seed in range(50)]

    assert all(re.fullmatch("[0-9A-Z]{32}", token) for token in tokens)
    assert len(set("".join(tokens))) == 36
    assert capitals((36 * 36 + 35).to_bytes, 1, 1) == "0" * 29 + "10Z"


def beginning_with(byte):
    return lambda size: bytes([byte]).ljust(size, b"\0")


def test_zhiyun_begins_with_each_digit_but_0_and_what_belongs_to_it():
    begun = {thirteenfold(beginning_with(byte), 1, 1) for byte in range(256)}

    assert begun == {f"{digit}{13 * digit - 11}{'00' * 16}" for digit in range(1, 10)}


def test_twokeys_hashes_the_users_id_the_time_and_what_is_random():
    token = user_token(lambda size: b"r" * size, 7, 1_387_324_800)

    assert token == hashlib.md5(b"71387324800" + b"r" * 16).hexdigest()


@pytest.mark.parametrize(("made", "size"), [(capitals, 32), (thirteenfold, 17), (user_token, 16)])
def test_of_each_token_at_least_128_bits_are_random(made, size):
    asked = []

    def randomness(size):
        asked.append(size)
        return bytes(size)

    made(randomness, 1, 1)

    assert asked == [size]
    assert size * 8 >= 128
    assert made(random.Random(1).randbytes, 1, 1) != made(random.Random(2).randbytes, 1, 1)


def test_what_has_another_shape_is_refused_before_it_is_looked_up():
    house = Stage("mowork").house
    call = Call(Request("GET", "/"), house.served["mowork"].contract, house._asking_desk(), 1)
    token = Opaque(pattern="[a-z]{3}")

    assert token.read("abc", call) == {}
    for shown in ("", "ab", "abcd", "abc\n", "ABC"):
        with pytest.raises(Refused) as refused:
            token.read(shown, call)
        assert refused.value.outcome is Outcome.CREDENTIALS_BAD
