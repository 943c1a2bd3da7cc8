"""Which names look alike."""

import pytest

from lingpai.vocabulary.lookalikes import _prototypes, skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "paypa1"),
        ("mornings", "momings"),
        ("admin", "adm1n"),
        ("admin", "admln"),  # drawn ADMIN and ADMlN
        ("zoo", "z0o"),
        ("сосо", "coco"),  # all Cyrillic
        ("口口", "ロロ"),  # a mouth, and the katakana ro
        ("一", "ー"),  # one, and the katakana's long sound
        ("山海", "\u2f2d海"),  # a radical
        ("\u00e9", "e\u0301"),
    ],
)
def test_names_that_are_drawn_alike_have_one_skeleton(one, other):
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"), [("mei", "mai"), ("王芳", "王方"), ("li", "lii"), ("wang1", "wang2"), ("nan", "van"), ("é", "e")]
)
def test_names_that_are_not_have_two(one, other):
    assert skeleton(one) != skeleton(other)


def test_nothing_is_drawn_as_what_is_drawn_as_something_else():
    prototypes = _prototypes()

    assert len(prototypes) > 6000
    assert [ascii(letter) for letter, drawn in prototypes.items() if prototypes.keys() & set(drawn)] == []
