"""What a mask shows, and that it shows no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingpai.contracts.zhiyun import MASKS, avatar_path
from lingpai.edge.masking import Mask

MASK = st.builds(Mask, st.integers(0, 7), st.integers(1, 15), st.integers(0, 5))


@pytest.mark.parametrize(
    ("member", "value", "told"),
    [
        ("username", "lixiaoyan40", "li******40"),
        ("truename", "李小燕", "李**"),
        ("phone", "13999990170", "13******0170"),
        ("company_name", "水磨沟区老李家拌面餐饮店", "水磨沟区*******餐饮店"),
        ("tax_number", "65232481989010103404", "6523248***************03404"),
        ("address", "乌鲁木齐市水磨沟区南湖北一巷186号", "乌鲁木齐市***巷186号"),
        ("legal_person_phone", "13399990170", "133*****0170"),
        ("legal_person_name", "李大伟", "李**"),
    ],
)
def test_each_member_is_masked_as_the_document_prints_it(member, value, told):
    assert MASKS[member](value) == told


@given(MASK, st.text())
def test_a_mask_shows_its_head_and_its_tail_and_never_everything(mask, text):
    told = mask(text)
    shown = text[: mask.head], text[len(text) - mask.tail :]

    if len(text) <= mask.head + mask.tail:
        assert told == "*" * len(text)
    else:
        assert told == shown[0] + "*" * mask.stars + shown[1]


@given(MASK, st.text(min_size=7), st.text(min_size=1), st.text(min_size=1), st.text(min_size=5))
def test_what_is_behind_the_asterisks_changes_nothing(mask, head, one, another, tail):
    assert mask(head + one + tail) == mask(head + another + tail)


@pytest.mark.parametrize(
    ("uid", "path"),
    [
        (1, "/000/00/00/01_avatar_small"),
        (1152, "/000/00/11/52_avatar_small"),
        (123456789, "/123/45/67/89_avatar_small"),
        (1234567890, "/1234/56/78/90_avatar_small"),
    ],
)
def test_an_avatar_lies_where_its_number_says(uid, path):
    assert avatar_path(uid) == path
