"""What is written of a session's use without an event, in every store."""

import pytest

from lingpai.vocabulary.outcomes import Reason
from lingpai.vocabulary.values import Sighting
from tests.stores.samples import HOUR, NOW, done, session, told


@pytest.fixture
def idling(house):
    """Return stores with a session that may idle until ten milliseconds from now."""
    with house.change(done()) as change:
        change.sessions.open(session("idling", idle_end=NOW + 10))
    return house


def seen(stores, name="idling"):
    found = stores.sessions.standing_of(name).session
    return found.last_seen - NOW, found.idle_end and found.idle_end - NOW


def test_a_sighting_moves_last_seen_and_idle_end_forward(idling):
    idling.traces.saw([Sighting("idling", NOW + 5, NOW + 15), Sighting("s1", NOW + 6, None)])

    assert seen(idling) == (5, 15)
    assert seen(idling, "s1") == (6, None)


def test_a_late_sighting_moves_nothing_back(idling):
    idling.traces.saw([Sighting("idling", NOW + 5, NOW + 15)])
    idling.traces.saw([Sighting("idling", NOW + 4, NOW + 14)])

    assert seen(idling) == (5, 15)


def test_sightings_of_one_batch_count_each(idling):
    idling.traces.saw([Sighting("idling", NOW + 9, NOW + 19), Sighting("idling", NOW + 8, NOW + 30)])

    assert seen(idling) == (9, 30)


def test_a_session_that_was_over_stays_as_it_was(idling):
    with idling.change(done()) as change:
        change.sessions.open(session("ended", idle_end=NOW + 10, ended=NOW, end_reason=Reason.IDLE))
        change.sessions.open(session("expired", end=NOW + 5, idle_end=NOW + 10))

    idling.traces.saw(
        [
            Sighting("idling", NOW + 10, NOW + 20),
            Sighting("ended", NOW + 5, NOW + 20),
            Sighting("expired", NOW + 5, NOW + 20),
            Sighting("s1", NOW + HOUR, NOW + 2 * HOUR),
            Sighting("nobody", NOW + 5, NOW + 20),
        ],
    )

    assert seen(idling) == (0, 10)
    assert seen(idling, "ended") == (0, 10)
    assert seen(idling, "expired") == (0, 10)
    assert seen(idling, "s1") == (0, None)


def test_a_use_that_is_written_too_late_revives_no_session(idling, clock):
    clock.now = NOW + 10

    idling.traces.saw([Sighting("idling", NOW + 9, NOW + 19)])

    assert seen(idling) == (0, 10)


def test_where_idleness_does_not_count_a_sighting_does_not_make_it(idling):
    idling.traces.saw([Sighting("s1", NOW + 5, NOW + 15), Sighting("idling", NOW + 5, None)])

    assert seen(idling, "s1") == (5, None)
    assert seen(idling) == (5, 10)


def test_nothing_seen_is_nothing_written(idling):
    idling.traces.saw([])

    assert seen(idling) == (0, 10)


def test_the_last_issued_value_is_exchanged_once(house):
    assert house.traces.issue("s1", 0, 11) is True
    assert house.traces.issue("s1", 0, 12) is False
    assert house.traces.issue("s1", 11, 12) is True
    assert house.traces.issue("nobody", 0, 1) is False
    assert house.sessions.standing_of("s1").session.last_issued == 12


def test_an_ended_session_is_issued_nothing(house):
    with house.change(done()) as change:
        change.sessions.end("s1", Reason.SIGNED_OUT, NOW)

    assert house.traces.issue("s1", 0, 11) is False


def test_traces_leave_no_trace_in_audit_and_feed(idling):
    before, place = idling.audit.page(0, 99), idling.feed.here()

    idling.traces.saw([Sighting("idling", NOW + 5, NOW + 15)])
    idling.traces.issue("idling", 0, 1)

    assert idling.audit.page(0, 99) == before
    assert told(idling, place) == []
