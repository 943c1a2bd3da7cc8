"""Doors open for whoever may, keys are good for so long and so often, and each opening is written down."""

import pytest
from lingpai_community.endings import DOOR_SILENT, KEY_BAD
from lingpai_community.tables import keys, openings, residents
from settling import CHEN, MEI, begin, ended, settled
from sqlalchemy import select, update

from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Outcome

STUCK = """
from lingpai_community import community
from lingpai_community.doors import Silent


class Stuck:
    def open(self, door_id):
        raise Silent


MODULE = community(Stuck())
"""


@pytest.fixture
def stuck(tmp_path):
    """A town whose door does not answer."""
    (tmp_path / "stuck.py").write_text(STUCK)
    five = settled(tmp_path / "stuck.py")
    begin(five, "mowork")
    five.ask("mowork", "door/add", "chen", item_id=1, name="东门")
    return five


@pytest.fixture
def gate(town):
    town.ask("mowork", "door/add", "chen", item_id=1, name="东门")
    return town


def lend(town, **arguments):
    return town.ask("mowork", "door/shareKey", "mei", door_id=1, **arguments).data["key"]


def shown(town, key):
    return town.ask("mowork", "door/shareUnlock", "", key_id=key)


def test_a_key_is_good_until_its_last_second(gate):
    key = lend(gate, seconds=60, times=10)

    gate.stage.wait("59.999")
    assert ended(gate, "mowork", shown(gate, key), Outcome.OK)
    gate.stage.wait("0.001")
    assert ended(gate, "mowork", shown(gate, key), KEY_BAD)


def test_a_key_is_good_so_often(gate):
    key = lend(gate, times=3)

    heard = [ended(gate, "mowork", shown(gate, key), Outcome.OK) for _ in range(5)]

    assert heard == [True, True, True, False, False]
    assert len(gate.stage.stores.tables.rows(select(openings))) == 3


def test_a_key_opens_only_as_long_as_its_lender_could(gate):
    key = lend(gate, times=10)

    gate.stage.operator("disable", "mei")
    assert ended(gate, "mowork", shown(gate, key), KEY_BAD)
    gate.stage.operator("enable", "mei")
    assert ended(gate, "mowork", shown(gate, key), Outcome.OK)
    with gate.stage.stores.change(Event("test:moved", "module", "community", told=False)) as change:
        change.tables.rows(update(residents).where(residents.c.user_id == MEI).values(user_id=CHEN))
    assert ended(gate, "mowork", shown(gate, key), KEY_BAD)


def test_only_the_digest_of_a_key_is_kept(gate):
    key = lend(gate)

    (kept,) = gate.stage.stores.tables.rows(select(keys))
    assert key not in str(kept)
    assert bytes.fromhex(key) not in kept.digest
    assert key not in str(gate.stage.stores.audit.page(0, 10_000))


@pytest.mark.parametrize(("seconds", "times"), [(59, 1), (604_801, 1), (60, 0), (60, 101)])
def test_no_key_is_lent_for_ever(gate, seconds, times):
    heard = gate.ask("mowork", "door/shareKey", "mei", door_id=1, seconds=seconds, times=times)

    assert ended(gate, "mowork", heard, Outcome.ARGUMENT_BAD)


def test_a_door_that_does_not_answer_is_said_and_written_down(stuck):
    heard = stuck.ask("mowork", "door/unlock", "mei", door_id=1)

    assert ended(stuck, "mowork", heard, DOOR_SILENT)
    assert [row.opened for row in stuck.stage.stores.tables.rows(select(openings))] == [False]


def test_a_key_is_not_used_up_by_a_door_that_does_not_answer(stuck):
    key = lend(stuck)

    assert ended(stuck, "mowork", shown(stuck, key), DOOR_SILENT)
    assert ended(stuck, "mowork", shown(stuck, key), DOOR_SILENT)
    (kept,) = stuck.stage.stores.tables.rows(select(keys))
    assert kept.uses == 1
