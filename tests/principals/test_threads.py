"""What goes on by itself outlives a store that is silent and a fault of ours: it says so, and works again."""

import threading
from datetime import UTC

import pytest

from lingpai.principals import housekeeping, sealer, timekeeping
from lingpai.principals.housekeeping import SESSIONS_KEPT_SECONDS, Housekeeping
from lingpai.principals.keys import Keyring
from lingpai.principals.sealer import Sealer
from lingpai.principals.sightings import Sightings
from lingpai.principals.timekeeping import Timekeeper
from lingpai.principals.weak_uses import WeakUses
from lingpai.stores.memory import FaultyHeld, Memory, Rows
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.policies import Used, WeakForm
from lingpai.vocabulary.values import Client, Session, Sighting, User

NOW = 1_767_225_600_000

each_fault = pytest.mark.parametrize(
    ("fault", "told"),
    [("store", "the stage made it silent"), ("bug", "RuntimeError: the stage planted a bug")],
)


class Place:
    """Stores that can be made to fail, and a clock."""

    def __init__(self):
        self.now = NOW
        self.tables = FaultyHeld(Rows())
        self.stores = Memory(self.clock, self.tables)

    def clock(self):
        return self.now


@pytest.fixture
def place():
    return Place()


def heard(lines, told):
    """Wait for the next line, and return what it says before it tells what is wrong: of a fault with its traceback."""
    line = lines.next()
    assert line.endswith(told)
    assert ("Traceback" in line) is told.startswith("RuntimeError")
    return line.removesuffix(told).partition("\n")[0].rstrip(": ")


@each_fault
def test_rows_are_deleted_again_once_the_store_answers(place, lines, monkeypatch, fault, told):
    monkeypatch.setattr(housekeeping, "ROUND_SECONDS", 0.01)
    with place.stores.change(Event("test:prepared", "everything", "")) as change:
        change.accounts.add(User(0, "mei", "mei", ""))
        change.clients.add(Client("app", "app"))
        change.sessions.open(Session("s1", 1, "app", "mowork", "pc", b"s1", None, NOW, None, NOW + 1, NOW))
    place.now += SESSIONS_KEPT_SECONDS * 1000 + 2
    did_the_rest = threading.Event()
    place.tables.fault = fault
    keeping = Housekeeping(place.stores, place.clock, did_the_rest.set)
    keeping.start()

    for _ in range(2):
        assert heard(lines, told) == "nothing deleted this time"
    assert not did_the_rest.is_set()
    place.tables.fault = ""
    assert did_the_rest.wait(30)
    keeping.stop()

    assert place.stores.sessions.standing_of("s1") is None


@each_fault
def test_the_time_is_kept_again_once_the_store_answers(place, lines, monkeypatch, fault, told):
    monkeypatch.setattr(timekeeping, "STORE_SECONDS", 0.01)
    kept = threading.Event()

    class Keeper(Timekeeper):
        def keep(self, moments):
            super().keep(moments)
            kept.set()

    keeper = Keeper(place.clock)
    place.tables.fault = fault
    keeper.start(place.stores.moments)

    for _ in range(2):
        assert heard(lines, told) == "the time is not kept"
    assert keeper() == NOW
    place.tables.fault = ""
    assert kept.wait(30)
    assert place.stores.moments.latest() == NOW
    place.now += 5
    place.tables.fault = fault
    keeper.stop()

    assert "timekeeping" not in [thread.name for thread in threading.enumerate()]


@each_fault
def test_the_audit_trail_is_sealed_again_once_the_store_answers(place, lines, monkeypatch, fault, told):
    monkeypatch.setattr(sealer, "ROUND_SECONDS", 0.01)
    done = threading.Event()

    class Watched(Sealer):
        def seal(self):
            super().seal()
            head = self._seals.head()
            if head is not None and head.number == place.stores.audit.newest():
                done.set()
            return 0

    sealing = Watched(place.stores, Keyring(place.stores, bytes(32), place.clock, bytes), place.clock)
    sealing.start()
    place.tables.fault = fault

    for _ in range(2):
        assert heard(lines, told) == "the audit trail is not sealed this time"
    place.tables.fault = ""
    with place.stores.change(Event("test:done", "everything", "")):
        pass
    done.clear()
    assert done.wait(30)
    place.tables.fault = fault
    sealing.stop()
    place.tables.fault = ""

    assert not sealing._rounds._thread.is_alive()
    assert [seal.number for seal in place.tables.rows.seals.values()] == [1, 2]


def test_whoever_cannot_write_what_is_left_lets_the_others_stop(place, lines):
    sightings = Sightings(place.stores.traces, place.clock, lambda _batch, _now: None)
    sightings.add(Sighting("s1", NOW, None))
    weak_uses = WeakUses(place.stores.weak_uses, UTC)
    weak_uses.count(Used("app", "twokeys", (WeakForm.DAY_MD5,), None, NOW))
    place.tables.fault = "bug"

    for each, told in ((sightings, "last-seen not written"), (weak_uses, "uses of weak forms not written")):
        each.start()
        each.stop()
        assert heard(lines, "RuntimeError: the stage planted a bug") == told
