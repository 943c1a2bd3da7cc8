"""The change feed on PostgreSQL: numbers that are committed out of their order, long transactions, calls."""

import threading
from contextlib import contextmanager

import psycopg
import pytest

from lingpai.principals.remembered import Follower, Remembered
from lingpai.stores.sql.postgres import open_postgres
from lingpai.vocabulary.outcomes import NotRemembered, Reason
from tests.stores.samples import NOW, done, told

SOON_SECONDS = 5


@contextmanager
def held_open(stores, subject_id):
    """Let another thread tell of *subject_id* now, and commit at the end of the block."""
    has_told, may_end = threading.Event(), threading.Event()

    def run():
        with stores.change(done(subject="session", subject_id="not told")) as change:
            change._feed.tell(done(subject="session", subject_id=subject_id), NOW)
            change._events.clear()
            has_told.set()
            may_end.wait()

    thread = threading.Thread(target=run)
    thread.start()
    has_told.wait()
    try:
        yield
    finally:
        may_end.set()
        thread.join()


def tell(stores, subject_id):
    with stores.change(done(subject="session", subject_id=subject_id)):
        pass


def subjects(heard):
    return [entry.subject_id for entry in heard.entries]


def test_a_lower_number_that_is_committed_later_is_heard(postgres):
    beginning = postgres.feed.here()
    with held_open(postgres, "late"):
        tell(postgres, "soon")
        first = postgres.feed.after(beginning)
    second = postgres.feed.after(first.place)

    assert subjects(first) == ["soon"]
    assert subjects(second) == ["late"]
    assert second.entries[0].number < first.entries[0].number
    assert subjects(postgres.feed.after(second.place)) == []


def test_what_is_told_while_a_transaction_stays_open_is_heard_at_once_and_once(postgres):
    place = postgres.feed.here()
    with held_open(postgres, "late"):
        for number in range(5):
            tell(postgres, str(number))
            heard = postgres.feed.after(place)
            assert subjects(heard) == [str(number)]
            place = heard.place
        assert subjects(postgres.feed.after(place)) == []

    assert subjects(postgres.feed.after(place)) == ["late"]


def test_who_begins_to_follow_while_a_transaction_is_open_hears_it(postgres):
    with held_open(postgres, "late"):
        tell(postgres, "soon")
        place = postgres.feed.here()

    assert subjects(postgres.feed.after(place)) == ["late"]


def test_what_was_undone_is_never_heard_and_nothing_waits_for_it(postgres):
    place = postgres.feed.here()

    def undo():
        with postgres.change(done()) as change:
            change._feed.tell(done(subject_id="undone"), NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undo()
    tell(postgres, "kept")

    assert subjects(postgres.feed.after(place)) == ["kept"]


def test_a_memory_forgets_what_a_long_transaction_ended(postgres_house):
    """A reader of "every number above the last" would go on to accept the session for as long as it lives."""
    remembered = Remembered(lambda: 0.0)
    follower = Follower(postgres_house.feed, remembered, lambda: 0.0)
    follower.poll()
    with held_open(postgres_house, "s1"):
        tell(postgres_house, "another")
        follower.poll()
        remembered.keep_standing(postgres_house.sessions.standing_of("s1"), remembered.mark())
        assert remembered.standing_of("s1").session.ended is None
    follower.poll()

    with pytest.raises(NotRemembered):
        remembered.standing_of("s1")


def test_what_a_long_transaction_may_still_precede_is_not_trimmed(postgres, clock):
    tell(postgres, "before")
    place = postgres.feed.here()
    with held_open(postgres, "late"):
        for number in range(3):
            tell(postgres, str(number))
        clock.now += 1
        with postgres.change(done(told=False)) as change:
            change.feed.delete_over(NOW, 99)
            assert change.feed.delete_over(NOW + 1, 99) == 0

    assert min(told(postgres, place), key=lambda entry: entry.number).subject_id == "late"


def test_entries_that_came_from_another_server_with_the_database_are_of_the_past(postgres, postgres_url, clock):
    tell(postgres, "of the past")
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE feed SET xid = 4611686018427387904")
    stores = open_postgres(postgres_url, clock)
    place = stores.feed.here()
    tell(stores, "new")

    heard = stores.feed.after(place)
    assert heard is not None
    assert subjects(heard) == ["new"]
    assert subjects(stores.feed.after(heard.place)) == []
    stores.close()


def test_a_follower_is_called_by_another_worker_and_not_by_its_own(postgres, postgres_url, clock):
    other = open_postgres(postgres_url, clock)
    woken, others_woken = threading.Event(), threading.Event()
    postgres.feed.wake(woken.set)
    other.feed.wake(others_woken.set)
    # Each is woken once when it has begun to listen.
    assert woken.wait(SOON_SECONDS)
    assert others_woken.wait(SOON_SECONDS)
    woken.clear()
    others_woken.clear()

    tell(postgres, "a")
    assert others_woken.wait(SOON_SECONDS)
    assert not woken.is_set()

    others_woken.clear()
    with postgres.change(done(told=False)):
        pass
    assert not others_woken.wait(0.2)
    other.close()


def test_the_channel_is_taken_up_again_after_it_broke(postgres, postgres_url, clock):
    other = open_postgres(postgres_url, clock)
    woken = threading.Event()
    postgres.feed.wake(woken.set)
    other.feed.wake(lambda: None)
    assert woken.wait(SOON_SECONDS)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' "
            "AND datname = current_database()"
        )
    woken.clear()

    # Listening again wakes, and from then on a call does.
    assert woken.wait(SOON_SECONDS)
    woken.clear()
    for _ in range(30):
        tell(other, "a")
        if woken.wait(0.2):
            break
    assert woken.is_set()
    other.close()


def test_an_ending_in_a_change_is_heard_with_its_session(postgres_house):
    place = postgres_house.feed.here()
    with postgres_house.change(done(subject="session", subject_id="s1")) as change:
        change.sessions.end("s1", Reason.SIGNED_OUT, NOW)

    assert subjects(postgres_house.feed.after(place)) == ["s1"]
