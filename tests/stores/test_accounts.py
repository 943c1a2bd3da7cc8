"""Users, in every store."""

from dataclasses import replace

import pytest

from lingpai.vocabulary.values import Sex
from tests.stores.samples import done, user

WHOLE = user(
    "Mei 美",
    name_key="mei 美",
    enabled=False,
    truename="美丽",
    nickname="🌸 𠮷",
    sex=Sex.FEMALE,
    phone="13800138000",
    phone_verified=True,
    email="mei@example.com",
    email_verified=True,
    avatar="https://example.com/美.png",
    status="1",
    role="boss",
    company_id=2,
    name_skeleton="rnel 美",
)


def test_a_user_comes_back_as_it_went_in(house):
    with house.change(done()) as change:
        kept = change.accounts.add(WHOLE)

    assert kept == replace(WHOLE, id=kept.id)
    assert house.accounts.by_id(kept.id) == kept
    assert house.accounts.named("mei 美") == kept
    assert house.accounts.with_phone("13800138000") == kept
    assert house.accounts.with_email("mei@example.com") == kept


def test_who_is_not_there_is_none(house):
    assert house.accounts.by_id(99) is None
    assert house.accounts.by_id(2**70) is None
    assert house.accounts.named("Mei") is None
    assert house.accounts.named("\ud800") is None
    assert house.accounts.with_phone("13800138000") is None
    assert house.accounts.with_email("mei@example.com") is None


def test_a_name_is_taken_once(house):
    with house.change(done()) as change:
        assert change.accounts.add(user("MEI", name_key="mei")) is None

    assert house.accounts.named("mei").name == "mei"


def test_a_proved_phone_is_taken_once_and_a_claimed_one_is_nobodys(house):
    with house.change(done()) as change:
        claimed = change.accounts.add(user("claims", phone="1"))
        proved = change.accounts.add(user("proved", phone="1", phone_verified=True))
        again = change.accounts.add(user("again", phone="1", phone_verified=True))

    assert claimed is not None
    assert again is None
    assert house.accounts.with_phone("1") == proved


def test_a_proved_email_is_taken_once_and_a_claimed_one_is_nobodys(house):
    with house.change(done()) as change:
        claimed = change.accounts.add(user("claims", email="m@x.cn"))
        proved = change.accounts.add(user("proved", email="m@x.cn", email_verified=True))
        again = change.accounts.add(user("again", email="m@x.cn", email_verified=True))

    assert claimed is not None
    assert again is None
    assert house.accounts.with_email("m@x.cn") == proved


def test_a_look_is_taken_once_and_who_has_none_looks_like_nobody(house):
    with house.change(done()) as change:
        added = [change.accounts.add(user(name, name_skeleton=looks)) for name, looks in LOOKS]

    assert [one is not None for one in added] == [True, False, True, True, True]


LOOKS = [("paypal", "paypal"), ("paypa1", "paypal"), ("other", "other"), ("old", None), ("older", None)]


def test_addresses_are_changed_and_what_another_has_proved_cannot_be(house, misuse):
    with house.change(done()) as change:
        proved = change.accounts.add(
            user("proved", phone="1", phone_verified=True, email="m@x.cn", email_verified=True)
        )
        changed = replace(proved, phone="2", phone_verified=False, email="n@x.cn", email_verified=True)
        change.accounts.set_addresses(changed)
        mei = replace(change.accounts.by_id(1), phone="1", phone_verified=True)
        change.accounts.set_addresses(mei)

    assert house.accounts.by_id(proved.id) == changed
    assert house.accounts.with_phone("1") == mei
    for taken in (replace(mei, email="n@x.cn", email_verified=True), replace(changed, phone="1", phone_verified=True)):
        with pytest.raises(misuse), house.change(done()) as change:
            change.accounts.set_addresses(taken)


def test_pages_go_by_id(house):
    assert [u.name for u in house.accounts.page(0, 1)] == ["mei"]
    assert [u.name for u in house.accounts.page(1, 5)] == ["bo"]
    assert house.accounts.page(2, 5) == []


def test_each_setter_changes_its_own_column_of_its_own_user(house):
    mei, bo = house.accounts.by_id(1), house.accounts.by_id(2)

    with house.change(done()) as change:
        change.accounts.set_password(1, "new")
        change.accounts.set_enabled(1, enabled=False)
        change.accounts.set_company(1, 2)

    assert house.accounts.by_id(1) == replace(mei, password="new", enabled=False, company_id=2)
    assert house.accounts.by_id(2) == bo


def test_a_user_can_leave_the_current_company_unsaid(house):
    with house.change(done()) as change:
        change.accounts.set_company(1, 2)
        change.accounts.set_company(1, None)

    assert house.accounts.by_id(1).company_id is None


def test_setting_what_is_not_there_changes_nothing(house):
    before = house.accounts.page(0, 9)

    with house.change(done()) as change:
        change.accounts.set_password(99, "new")
        change.accounts.set_enabled(99, enabled=False)
        change.accounts.set_company(99, None)

    assert house.accounts.page(0, 9) == before


def test_a_company_that_is_not_there_cannot_be_chosen(house, misuse):
    with pytest.raises(misuse), house.change(done()) as change:
        change.accounts.set_company(1, 99)
