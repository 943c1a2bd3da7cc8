"""A secret shows itself only when asked by name."""

import json

import msgspec
import pytest

from lingpai.vocabulary.secret import Secret

SECRET = Secret("open sesame")


def test_no_way_of_printing_shows_it():
    printed = [repr(SECRET), str(SECRET), f"{SECRET}", "%s" % SECRET, f"{[SECRET]}", repr({"a": SECRET})]  # noqa: UP031

    assert not any("sesame" in text for text in printed)


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode, msgspec.to_builtins])
def test_no_encoder_writes_it(encode):
    with pytest.raises(TypeError):
        encode({"a": SECRET})


def test_it_matches_itself_and_nothing_else():
    assert SECRET.matches("open sesame")
    assert not SECRET.matches("open sesam")
    assert not SECRET.matches("")
    assert SECRET.reveal() == "open sesame"
