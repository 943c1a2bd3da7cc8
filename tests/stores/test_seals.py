"""The chain over the audit trail, in every store: who inserts a position first has sealed it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lingpai.stores.interfaces import Sealed
from lingpai.vocabulary.events import Event, Seal, Wanted
from tests.stores.samples import HOUR, NOW, done

EVERYTHING = (0, 10**6, 99)


def seal(position, number, made=b"made"):
    return Seal(position, number, 1, made)


@pytest.fixture
def trail(stores):
    """Return stores with four audit rows."""
    for number in "1234":
        with stores.change(done(subject_id=number)):
            pass
    return stores


def test_what_is_sealed_is_read_with_its_rows_in_the_order_of_sealing(trail):
    assert trail.seals.head() is None

    assert trail.seals.add([seal(1, 2), seal(2, 1)])
    assert trail.seals.add([seal(3, 4)])

    first, second, third, _ = trail.audit.page(0, 9)
    assert trail.seals.page(0, 2) == [Sealed(seal(1, 2), second), Sealed(seal(2, 1), first)]
    assert [one.seal for one in trail.seals.page(2, 9)] == [seal(3, 4)]
    assert trail.seals.head() == seal(3, 4)
    assert trail.seals.of(1) == seal(2, 1)
    assert trail.seals.of(3) is None
    assert trail.seals.unsealed(*EVERYTHING) == [third]


def test_a_seal_whose_row_is_gone_is_told_without_it(trail):
    trail.seals.add([seal(1, 77)])

    assert trail.seals.page(0, 9) == [Sealed(seal(1, 77), None)]


def test_what_is_unsealed_is_found_between_two_numbers(trail):
    trail.seals.add([seal(1, 2)])

    assert [row.number for row in trail.seals.unsealed(0, 3, 9)] == [1, 3]
    assert [row.number for row in trail.seals.unsealed(1, 4, 9)] == [3, 4]
    assert [row.number for row in trail.seals.unsealed(0, 4, 2)] == [1, 3]
    assert trail.audit.newest() == 4


def test_a_position_that_is_taken_keeps_nothing_of_the_later_seals(trail):
    trail.seals.add([seal(1, 1)])

    assert trail.seals.add([seal(1, 2), seal(2, 3)]) is False
    assert [one.seal for one in trail.seals.page(0, 9)] == [seal(1, 1)]


def test_a_row_is_sealed_once(trail, misuse):
    trail.seals.add([seal(1, 1)])

    with pytest.raises(misuse):
        trail.seals.add([seal(2, 2), seal(3, 2)])
    assert [one.seal for one in trail.seals.page(0, 9)] == [seal(1, 1)]


def test_a_position_is_taken_by_one_of_many(trail):
    together = threading.Barrier(6)

    def contend(name):
        won = 0
        for position in range(1, 60):
            together.wait()
            won += trail.seals.add([seal(position, position + 100, str(name).encode())])
        return won

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(contend, range(6))) == 59
    assert [one.seal.position for one in trail.seals.page(0, 99)] == list(range(1, 60))


def test_rows_are_found_by_what_is_wanted_newest_first(stores, clock):
    for at, event in (
        (NOW, Event("user:added", "user", "1", "operator")),
        (NOW + HOUR, Event("session:opened", "session", "s1", "user:1")),
        (NOW + HOUR, Event("session:opened", "session", "s2", "user:2")),
        (NOW + 2 * HOUR, Event("user:disabled", "user", "1", "operator")),
    ):
        clock.now = at
        with stores.change(event):
            pass

    def found(above=0, below=99, size=9, **asked):
        return [row.number for row in stores.audit.find(Wanted(**asked), above, below, size)]

    assert found() == [4, 3, 2, 1]
    assert found(subject="user") == [4, 1]
    assert found(subject="session", subject_id="s1") == [2]
    assert found(actor="operator") == [4, 1]
    assert found(kind="session:opened", actor="user:2") == [3]
    assert found(since=NOW + HOUR) == [4, 3, 2]
    assert found(1, 4) == [3, 2]
    assert found(size=2) == [4, 3]
    assert found(subject="' OR 1=1 --") == []


def test_a_change_is_about_the_id_that_was_given_in_it(stores):
    with stores.change(Event("user:added", "user", "", "operator", {"name": "mei"}, told=False)) as change:
        change.also(done(subject_id="9"))
        change.about("7")

    first, second = stores.audit.page(0, 9)
    assert (first.subject_id, first.detail) == ("7", {"name": "mei"})
    assert second.subject_id == "9"
