"""Which names are one, and which may not be given."""

import unicodedata

import pytest

from lingpai.principals.addresses import Addresses
from lingpai.principals.names import LONGEST, LONGEST_TYPED, check_new_name, name_key
from lingpai.vocabulary.outcomes import Outcome, Refused


@pytest.mark.parametrize("name", ["mei", "MEI", "Ｍｅｉ", "ｍEi"])
def test_names_that_differ_in_case_or_width_are_one(name):
    assert name_key(name) == "mei"


@pytest.mark.parametrize(
    "name", ["mei", "王芳", "a" * 64, "O'Neill", "mei@example.com", "👩", "王Anna", "アンナ安娜", "иван", "안나安娜"]
)
def test_a_name_that_people_can_see_may_be_given(name):
    check_new_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "a" * 65, "a b", "a\tb", "a\u00a0b", "a\u200bb", "a\u202eb", "a\0b", "a\ud800b", "a\ue000b"),
        "a\u00b8b",  # a cedilla of its own: its key holds a blank
        *("admin\u3164", "admin\uffa0", "admin\u1160"),  # the Hangul fillers: letters that nobody sees
        *("adm\u0456n", "р\u0430ypal", "mei\u03b1"),  # Cyrillic or Greek among Latin letters
        *("admin\ufe0f", "ad\u034fmin", "admin\U000e0100", "\u2800"),
    ],
    ids=ascii,
)
def test_a_name_that_is_too_long_or_hides_something_may_not(name):
    with pytest.raises(Refused) as refused:
        check_new_name(name)

    assert refused.value.outcome is Outcome.ARGUMENT_BAD
    assert "username" in refused.value.fields


def test_a_text_that_is_no_name_for_its_length_is_not_normalized():
    marks = "\u0344" * LONGEST_TYPED
    assert name_key(marks) != marks
    assert name_key(marks + "x") == marks + "x"


@pytest.mark.parametrize("letter", ["\u1e69", "\uac01", "\ufb03"], ids=ascii)
def test_the_longest_name_that_may_be_given_is_one_however_its_letters_are_taken_apart(letter):
    assert name_key(unicodedata.normalize("NFKD", letter * LONGEST)) == name_key(letter * LONGEST)


def test_what_is_too_long_for_an_address_is_none():
    assert Addresses().email(" mei@example.com ") == "mei@example.com"
    assert Addresses().email(" " * 320 + "mei@example.com") is None
    assert Addresses().phone(" 13800138000 ") == "13800138000"
    assert Addresses().phone(" " * 320 + "13800138000") is None
