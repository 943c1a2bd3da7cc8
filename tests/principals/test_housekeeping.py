"""What is long over goes, what is not stays, and nothing is written where nothing goes."""

import time

import msgspec
import pytest

from lingpai.principals import housekeeping
from lingpai.principals.housekeeping import FEED_KEPT_SECONDS, SESSIONS_KEPT_SECONDS, Housekeeping
from lingpai.stores.memory import Memory
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.values import AuthCode, Client, Pace, Session, User

NOW = 1_767_225_600_000


@pytest.fixture
def stores():
    stores = Memory(lambda: NOW)
    session = Session("s", 1, "c", "mowork", "pc", b"t", None, NOW, None, NOW + 1000, NOW)
    with stores.change(Event("test:set", "session", "s")) as change:
        change.accounts.add(User(0, "mei", "mei", ""))
        change.clients.add(Client("c", "c"))
        change.sessions.open(session)
        change.sessions.open(msgspec.structs.replace(session, id="long", token_digest=b"u", end=NOW + 10**12))
        change.codes.add(AuthCode(b"d", "c", 1, "long", frozenset(), None, NOW + 30_000))
    return stores


def test_what_is_long_over_goes_and_what_lives_stays(stores):
    later = NOW + SESSIONS_KEPT_SECONDS * 1000 + 2000

    deleted = Housekeeping(stores, lambda: later).tidy()

    assert deleted == 2
    assert stores.sessions.standing_of("s") is None
    assert stores.sessions.standing_of("long") is not None
    assert stores.codes.find(b"d") is None


def test_tries_go_when_they_are_forgotten_and_the_networks_of_owners_stay_as_long_as_they_are_known(stores):
    day = 86_400_000
    with stores.change(Event("test:set", "user", "1")) as change:
        change.tries.claim(b"mei", "stranger", NOW, Pace((0,), day))
        change.tries.clear(b"mei", "home", NOW, NOW + 30 * day)

    Housekeeping(stores, lambda: NOW + day + 1).tidy()
    assert [one.network for one in stores.tries.of(b"mei")] == ["home"]
    Housekeeping(stores, lambda: NOW + 30 * day + 1).tidy()
    assert stores.tries.of(b"mei") == []


def test_where_nothing_goes_nothing_is_written(stores):
    before = stores.audit.page(0, 100)

    assert Housekeeping(stores, lambda: NOW + 1000).tidy() == 0
    assert stores.audit.page(0, 100) == before


def test_the_newest_entry_of_the_feed_stays_however_old(stores):
    before = stores.feed.here()
    with stores.change(Event("test:told", "session", "s")):
        pass

    Housekeeping(stores, lambda: NOW + FEED_KEPT_SECONDS * 1000 + 1).tidy()

    heard = stores.feed.after(before)
    assert heard is not None
    assert len(heard.entries) == 1


def test_a_fault_of_ours_does_not_end_the_tidying(stores, monkeypatch, caplog):
    monkeypatch.setattr(housekeeping, "ROUND_SECONDS", 0.01)
    rounds = []

    class Faulty(Housekeeping):
        def tidy(self):
            rounds.append(1)
            raise ValueError("a fault of ours")

    keeping = Faulty(stores, lambda: NOW)
    keeping.start()
    deadline = time.monotonic() + 10
    while len(rounds) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    keeping.stop()

    assert len(rounds) >= 3
    assert "a fault of ours" in caplog.text
