"""Tables of modules' own, in every store: they change together with the audit trail, and their steps are made once."""

import subprocess
import sys

import pytest
from sqlalchemy import insert, select

from lingpai.stores.interfaces import MadeByLater
from tests.modules.garden import MODULE, TAKE, beds
from tests.stores.samples import done

ALL = select(beds.c.plant, beds.c.gardener).order_by(beds.c.id)

MIGRATE = """
import sys
from tests.modules.garden import MODULE
from tests.stores.programs import open_at

stores = open_at(sys.argv[1], lambda: 0)
stores.migrations.migrate("garden", MODULE.migrations)
"""


@pytest.fixture
def tended(house):
    house.migrations.migrate("garden", MODULE.migrations)
    return house


def planted(house, plant="rose"):
    with house.change(done(told=False)) as change:
        return change.tables.row(insert(beds).returning(beds.c.id), plant=plant, gardener=0).id


def test_what_was_changed_is_read(tended):
    first = planted(tended)
    planted(tended, "牡丹")

    with tended.change(done(told=False)) as change:
        assert change.tables.row(TAKE, bed=first, by=7) == (first,)
        assert change.tables.row(TAKE, bed=first, by=8) is None

    assert tended.tables.rows(ALL) == [("rose", 7), ("牡丹", 0)]


def test_a_change_that_fails_leaves_neither_row_nor_audit(tended):
    before = len(tended.audit.page(0, 100))

    def stumble():
        with tended.change(done(told=False)) as change:
            change.tables.rows(insert(beds), plant="moss", gardener=0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()

    assert tended.tables.rows(ALL) == []
    assert len(tended.audit.page(0, 100)) == before


def test_a_step_is_made_once(tended):
    planted(tended)

    tended.migrations.migrate("garden", MODULE.migrations)

    assert tended.tables.rows(ALL) == [("rose", 0)]


def test_only_the_steps_that_are_new_are_made(house):
    first, second = MODULE.migrations
    house.migrations.migrate("garden", (first,))

    house.migrations.migrate("garden", (first, second))

    planted(house)
    assert house.tables.rows(ALL) == [("rose", 0)]


def test_a_step_that_fails_leaves_nothing(house):
    def stumble(op):
        MODULE.migrations[0](op)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        house.migrations.migrate("garden", (stumble,))

    house.migrations.migrate("garden", MODULE.migrations)
    assert house.tables.rows(ALL) == []


def test_tables_of_a_later_version_are_not_used(tended):
    with pytest.raises(MadeByLater, match="garden"):
        tended.migrations.migrate("garden", MODULE.migrations[:1])


def test_many_processes_may_migrate_at_once(shared_house, place):
    command = [sys.executable, "-c", MIGRATE, str(place)]
    starting = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]

    assert [each.communicate() for each in starting] == [("", "")] * 4
    assert shared_house.tables.rows(ALL) == []
