"""The latest time seen, in every store."""

from tests.stores.samples import NOW, done
from tests.stores.test_races import winners


def test_no_time_was_seen_at_first(stores):
    assert stores.moments.latest() == 0


def test_the_latest_time_is_kept_and_never_moves_back(stores):
    assert stores.moments.reach(NOW) == NOW
    assert stores.moments.reach(NOW - 3_600_000) == NOW
    assert stores.moments.latest() == NOW
    assert stores.moments.reach(NOW + 1) == NOW + 1
    assert stores.moments.latest() == NOW + 1


def test_of_many_that_reach_at_once_the_latest_stays(stores):
    winners(lambda number: stores.moments.reach(NOW - number))

    assert stores.moments.latest() == NOW


def test_an_operator_may_start_again(stores):
    stores.moments.reach(NOW)

    with stores.change(done()) as change:
        change.moments.start_again()

    assert stores.moments.latest() == 0
    assert stores.moments.reach(NOW - 5) == NOW - 5
