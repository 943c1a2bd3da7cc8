"""Companies and memberships, in every store."""

from dataclasses import fields, replace

import pytest

from lingpai.vocabulary.values import Company, Membership
from tests.stores.samples import company, done


def test_a_company_comes_back_as_it_went_in(house):
    words = {field.name: f"{field.name} 公司" for field in fields(Company) if field.type in ("str", str)}

    whole = company("", **words)

    with house.change(done()) as change:
        kept = change.companies.add(whole)

    assert kept == replace(whole, id=kept.id)
    assert house.companies.by_id(kept.id) == kept
    assert house.companies.by_id(99) is None


def test_pages_go_by_id(house):
    assert [c.name for c in house.companies.page(0, 1)] == ["山海科技"]
    assert [c.name for c in house.companies.page(1, 5)] == ["Acme"]


def test_memberships_are_a_users_own_by_company(house):
    with house.change(done()) as change:
        change.companies.join(1, 2, is_admin=True)
        change.companies.join(1, 1, is_admin=False)
        change.companies.join(2, 1, is_admin=True)

        assert len(change.companies.memberships(1)) == 2

    assert house.companies.memberships(1) == (Membership(1, "山海科技"), Membership(2, "Acme", is_admin=True))
    assert house.companies.memberships(99) == ()


def test_who_joins_again_has_the_new_rank(house):
    with house.change(done()) as change:
        change.companies.join(1, 1, is_admin=True)
        change.companies.join(2, 1, is_admin=True)
        change.companies.join(1, 1, is_admin=False)

    assert house.companies.memberships(1) == (Membership(1, "山海科技", is_admin=False),)
    assert house.companies.memberships(2) == (Membership(1, "山海科技", is_admin=True),)


def test_one_leaves_once_and_alone(house):
    with house.change(done()) as change:
        for who, where in ((1, 1), (1, 2), (2, 1)):
            change.companies.join(who, where, is_admin=False)

        assert change.companies.leave(1, 1) is True
        assert change.companies.leave(1, 1) is False

    assert [m.company_id for m in house.companies.memberships(1)] == [2]
    assert [m.company_id for m in house.companies.memberships(2)] == [1]


@pytest.mark.parametrize(("who", "where"), [(99, 1), (1, 99)])
def test_nobody_joins_nothing(house, misuse, who, where):
    with pytest.raises(misuse), house.change(done()) as change:
        change.companies.join(who, where, is_admin=False)


def test_members_are_told_a_page_at_a_time_with_who_is_an_administrator(house):
    with house.change(done()) as change:
        change.companies.join(1, 1, is_admin=True)
        change.companies.join(2, 1, is_admin=False)
        change.companies.join(2, 2, is_admin=True)

    def told(company, after=0, size=9):
        return [(each.user.id, each.is_admin) for each in house.companies.members(company, after, size)]

    assert told(1) == [(1, True), (2, False)]
    assert told(1, size=1) == [(1, True)]
    assert told(1, after=1) == [(2, False)]
    assert told(2) == [(2, True)]
    assert told(99) == []
    assert house.companies.members(1, 0, 1)[0].user == house.accounts.by_id(1)
