"""Pairs of refreshable tokens, in every store."""

import pytest

from tests.stores.samples import NOW, done, generation, session

WHOLE = generation(2, company_id=7, issued=NOW // 1000, key_id=3, exchanged=NOW, set_aside=True)


@pytest.fixture
def pairs(house):
    """Return stores with two pairs of the first session and one of another."""
    with house.change(done()) as change:
        change.sessions.open(session("s2"))
        for each in (WHOLE, generation(1), generation(9, session_id="s2")):
            change.generations.add(each)
    return house


def test_a_pair_comes_back_as_it_went_in(pairs):
    assert pairs.generations.find("s1", 2) == WHOLE
    assert pairs.generations.find("s1", 9) is None


def test_the_newest_pair_is_the_one_with_the_highest_number(pairs):
    assert pairs.generations.newest("s1") == WHOLE
    assert pairs.generations.newest("nobody") is None


def test_a_pair_is_claimed_once(pairs):
    with pairs.change(done()) as change:
        assert change.generations.claim("s1", 1, NOW + 1) is True
        assert change.generations.claim("s1", 1, NOW + 2) is False
        assert change.generations.claim("s1", 3, NOW) is False

    assert pairs.generations.find("s1", 1) == generation(1, exchanged=NOW + 1)
    assert pairs.generations.find("s2", 9) == generation(9, session_id="s2")


def test_a_pair_is_set_aside(pairs):
    with pairs.change(done()) as change:
        change.generations.set_aside("s1", 1)
        change.generations.set_aside("s1", 3)

    assert pairs.generations.find("s1", 1) == generation(1, set_aside=True)
    assert pairs.generations.find("s1", 3) is None
    assert pairs.generations.find("s2", 9).set_aside is False


@pytest.mark.parametrize("wrong", [generation(1), generation(1, session_id="nobody")])
def test_a_number_is_given_once_and_to_a_session(pairs, misuse, wrong):
    with pytest.raises(misuse), pairs.change(done()) as change:
        change.generations.add(wrong)
