"""Tries of passwords, in every store: counted, paced, forgotten, and claimed by one at a time."""

import pytest

from lingpai.vocabulary.values import Pace, Tries
from tests.stores.samples import HOUR, NOW, done
from tests.stores.test_races import ROUNDS, winners

PACE = Pace((0, 0, 1000, 2000), 24 * HOUR)
MEI = b"digest of mei"


@pytest.fixture
def claim(stores):
    """Return the way to claim a try, so many milliseconds after the beginning."""

    def claim(after=0, *, network="n", digest=MEI, pace=PACE):
        with stores.tries.counting() as book:
            return book.claim(digest, network, NOW + after, pace)

    return claim


def test_tries_are_counted_and_wait_as_the_pace_says(claim, stores):
    assert claim() == Tries(MEI, "n", 1, NOW, NOW, 0, NOW + 24 * HOUR)
    assert claim().next == NOW
    assert (claim().count, claim(999)) == (3, None)
    assert claim(1000) == Tries(MEI, "n", 4, NOW + 3000, NOW + 1000, 0, NOW + 1000 + 24 * HOUR)
    assert claim(2999) is None
    assert claim(3000).next == NOW + 5000
    assert stores.tries.find(MEI, "n").count == 5


def test_each_network_and_each_name_has_its_own_count(claim, stores):
    for _ in range(3):
        claim()

    assert claim(network="other").count == 1
    assert claim(digest=b"bo").count == 1
    assert [one.network for one in stores.tries.of(MEI)] == ["n", "other"]
    assert stores.tries.find(MEI, "nowhere") is None


def test_what_is_long_ago_is_not_counted(claim):
    for _ in range(3):
        claim()

    assert claim(24 * HOUR).count == 4
    assert claim(48 * HOUR + 1).count == 1


def test_a_right_try_clears_the_count_and_makes_the_network_known(claim, stores):
    for _ in range(3):
        claim()
    with stores.change(done()) as change:
        change.tries.clear(MEI, "n", NOW, NOW + 90 * HOUR)
        change.tries.clear(MEI, "first", NOW, NOW + 90 * HOUR)

    assert stores.tries.find(MEI, "n") == Tries(MEI, "n", 0, 0, NOW, NOW + 90 * HOUR, NOW + 90 * HOUR)
    assert stores.tries.find(MEI, "first").known == NOW + 90 * HOUR
    assert claim() == Tries(MEI, "n", 1, NOW, NOW, NOW + 90 * HOUR, NOW + 90 * HOUR)
    assert claim(80 * HOUR).end == NOW + 104 * HOUR


def test_a_try_in_a_transaction_that_fails_was_never_made(stores):
    def fail():
        with stores.tries.counting() as book:
            book.claim(MEI, "n", NOW, PACE)
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert stores.tries.of(MEI) == []


def test_an_operator_may_forget_all_of_a_name(claim, stores):
    claim()
    claim(network="other")
    claim(digest=b"bo")
    with stores.change(done()) as change:
        assert change.tries.forget(MEI) == 2
        assert change.tries.forget(MEI) == 0

    assert stores.tries.of(MEI) == []
    assert len(stores.tries.of(b"bo")) == 1


def test_what_is_over_is_deleted_so_many_at_a_time(claim, stores):
    for network in "abc":
        claim(network=network)
    claim(HOUR, network="later")
    over = NOW + 24 * HOUR

    def delete(before, most):
        with stores.change(done()) as change:
            return change.tries.delete_over(before, most)

    assert delete(over, 9) == 0
    assert [delete(over + 1, 2) for _ in range(3)] == [2, 1, 0]
    assert [one.network for one in stores.tries.of(MEI)] == ["later"]


def test_of_many_that_try_at_once_only_so_many_come_through_as_the_pace_lets(stores):
    pace = Pace((0, 0, 10**6), 10**9)

    def attempt(number):
        with stores.tries.counting() as book:
            return book.claim(b"%d" % number, "n", NOW, pace) is not None

    assert winners(attempt) == dict.fromkeys(range(ROUNDS), 3)
