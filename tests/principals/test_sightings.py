"""Last-seen and sliding expiry: written once an interval, in batches, and never so late that they revive a session."""

import time

import msgspec
import pytest

from lingpai.principals import sightings as module
from lingpai.principals.admission import Admission
from lingpai.principals.sightings import Sightings
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Reason, Refused
from lingpai.vocabulary.values import Sighting, Terms

TERMS = Terms("mowork", idle_seconds=1800, absolute_seconds=86_400)
MINUTE = 60_000


@pytest.fixture
def sightings(town):
    town.wrote = []
    return Sightings(town.stores.traces, lambda: town.now, lambda batch, at: town.wrote.append((batch, at)))


def kept(town, session_id="mei1"):
    return town.stores.sessions.standing_of(session_id).session


def idling(town, **changed):
    """Return the standing of a session that was opened just now and may idle for half an hour."""
    standing = town.stores.sessions.standing_of("mei1")
    first = {"idle_end": TERMS.idle_end(town.now, first=True)}
    return msgspec.structs.replace(standing, session=msgspec.structs.replace(standing.session, **{**first, **changed}))


def due(admission, standing):
    """Return what is to be written of this use, which is due."""
    sighting = admission.sighting(standing, TERMS)
    assert sighting is not None
    return sighting


# What is due.


def test_a_use_is_due_once_an_interval(town):
    standing = town.stores.sessions.standing_of("mei1")
    admission = Admission(lambda: town.now)

    town.now += MINUTE - 1
    assert admission.sighting(standing, TERMS) is None
    town.now += 1
    assert due(admission, standing).seen == town.now


@pytest.mark.parametrize(("lifetime", "interval"), [(86_400, 60_000), (600, 60_000), (300, 30_000), (2, 200)])
def test_the_interval_is_a_minute_or_a_tenth_of_a_short_life(lifetime, interval):
    assert Terms("x", idle_seconds=lifetime, absolute_seconds=10**6).interval == interval
    assert Terms("x", idle_seconds=None, absolute_seconds=lifetime).interval == interval


def test_the_first_use_after_the_sign_in_is_due_where_idleness_counts(town):
    """
    The sign-in stored an end without an interval to spare: a use soon after it would else not count at all.
    """
    standing, admission = idling(town), Admission(lambda: town.now)
    assert admission.sighting(standing, TERMS) is None

    town.now += 1
    sighting = due(admission, standing)
    again = msgspec.structs.replace(
        standing, session=msgspec.structs.replace(standing.session, last_seen=town.now, idle_end=sighting.idle_end)
    )
    town.now += 1

    assert sighting.idle_end == standing.session.began + 1 + 1800_000 + MINUTE
    assert admission.sighting(again, TERMS) is None


def test_a_use_just_before_the_idle_end_is_urgent(town):
    standing, admission = idling(town), Admission(lambda: town.now)

    town.now = standing.session.idle_end - 5001
    assert due(admission, standing).is_urgent is False
    town.now = standing.session.idle_end - 1
    assert due(admission, standing).is_urgent is True


# Who judges.


def test_memory_does_not_judge_idleness_and_the_row_does(town):
    standing = idling(town)
    town.now = standing.session.idle_end

    with pytest.raises(NotRemembered):
        Admission(lambda: town.now, from_memory=True).check(standing, TERMS)
    with pytest.raises(Refused) as refused:
        Admission(lambda: town.now).check(standing, TERMS)
    assert refused.value.reason is Reason.IDLE


# What is written.


def test_uses_are_written_in_one_batch_and_only_the_latest_of_each_session(town, sightings):
    sightings.add(Sighting("mei1", town.now + 2, None))
    sightings.add(Sighting("mei1", town.now + 1, None))
    sightings.add(Sighting("bo1", town.now + 3, None))

    sightings.flush()

    assert kept(town).last_seen == town.now + 2
    assert [[each.session_id for each in batch] for batch, _ in town.wrote] == [["mei1", "bo1"]]


def test_a_batch_is_bounded(town, sightings, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 10)
    for number in range(25):
        sightings.add(Sighting(f"s{number}", town.now, None))

    sightings.flush()

    assert [len(batch) for batch, _ in town.wrote] == [10, 10, 5]


def test_what_the_store_does_not_take_is_kept_and_not_believed(town, sightings):
    sightings.add(Sighting("mei1", town.now + 1, None))
    town.tables.silent = True
    sightings.flush()
    town.tables.silent = False
    assert town.wrote == []
    sightings.add(Sighting("bo1", town.now + 1, None))

    sightings.flush()

    assert kept(town).last_seen == kept(town, "bo1").last_seen == town.now + 1


def test_what_is_kept_for_a_store_that_takes_nothing_is_bounded(town, sightings, monkeypatch):
    monkeypatch.setattr(module, "MOST", 10)
    town.tables.silent = True
    for number in range(100):
        sightings.add(Sighting(f"s{number}", town.now, None))

    assert list(sightings._unwritten) == [f"s{number}" for number in range(90, 100)]


def test_a_clean_stop_writes_what_is_left(town, sightings):
    sightings.start()
    sightings.add(Sighting("mei1", town.now + 1, None))

    sightings.stop()

    assert kept(town).last_seen == town.now + 1


def test_an_urgent_use_is_written_at_once(town, sightings, monkeypatch):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 60)
    sightings.start()

    sightings.add(Sighting("mei1", town.now + 1, None, is_urgent=True))
    deadline = time.monotonic() + 5
    while kept(town).last_seen == town.now and time.monotonic() < deadline:
        time.sleep(0.01)

    assert kept(town).last_seen == town.now + 1
    sightings.stop()


def test_a_fault_of_ours_does_not_end_the_writing(town, sightings, monkeypatch, caplog):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)
    saw = town.stores.traces.saw
    monkeypatch.setattr(town.stores.traces, "saw", lambda _batch: 1 / 0)
    sightings.start()
    sightings.add(Sighting("mei1", town.now + 1, None))
    while not caplog.records:
        time.sleep(0.01)
    monkeypatch.setattr(town.stores.traces, "saw", saw)
    sightings.stop()

    assert kept(town).last_seen == town.now + 1


def test_a_token_once_refused_stays_refused_though_another_worker_had_seen_it_in_time(town, sightings):
    """
    One worker has noted a use and not written it yet when another refuses: what was said is then true for good.
    """
    with town.stores.change(Event("session:opened", "session", "idle", told=False)) as change:
        change.sessions.open(msgspec.structs.replace(idling(town).session, id="idle", token_digest=b"idle"))
    here, there = Admission(lambda: town.now), Admission(lambda: town.now)
    first = town.stores.sessions.standing_of("idle")
    town.now = first.session.idle_end - 1
    sightings.add(due(here, first))
    town.now += 1
    with pytest.raises(Refused) as refused:
        there.check(town.stores.sessions.standing_of("idle"), TERMS)
    assert (refused.value.outcome, refused.value.reason) == (Outcome.SESSION_OVER, Reason.IDLE)

    sightings.flush()

    with pytest.raises(Refused):
        here.check(town.stores.sessions.standing_of("idle"), TERMS)
