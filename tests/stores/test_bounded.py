"""A deletion of so many rows takes no more, whatever plan the engine makes for it."""

import pytest

from lingpai.stores.sql.postgres import open_postgres
from lingpai.vocabulary.policies import WeakUse
from lingpai.vocabulary.values import Pace
from tests.stores.conftest import inhabit
from tests.stores.samples import NOW, code, done, session

ROWS, MOST = 40, 3

# What is left is to run the inner side of a join once for each row of the outer one.
LOOPS = "".join(
    f"-c%20enable_{way}%3Doff%20" for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize")
)


@pytest.fixture
def looping(postgres_url, clock):
    stores = open_postgres(f"{postgres_url}?options={LOOPS}", clock)
    yield inhabit(stores)
    stores.close()


def sessions(stores):
    with stores.change(done()) as change:
        for number in range(ROWS):
            change.sessions.open(session(f"over{number}", end=NOW - 1))
    return lambda change: change.sessions.delete_over(NOW, MOST)


def codes(stores):
    with stores.change(done()) as change:
        for number in range(ROWS):
            change.codes.add(code(b"%d" % number, end=NOW - 1))
    return lambda change: change.codes.delete_over(NOW, MOST)


def tries(stores):
    for number in range(ROWS):
        with stores.tries.counting() as book:
            book.claim(b"%d" % number, "n", NOW, Pace((0,), 1))
    return lambda change: change.tries.delete_over(NOW * 2, MOST)


def weak_uses(stores):
    stores.weak_uses.add([WeakUse("2025-12-31", f"app{number}", "oppmg", "day-md5", 1, 0, 1) for number in range(ROWS)])
    return lambda change: change.weak_uses.delete_over("2026-01-01", MOST)


def feed(stores):
    for _ in range(ROWS):
        with stores.change(done()):
            pass
    return lambda change: change.feed.delete_over(NOW + 1, MOST)


@pytest.mark.parametrize("fill", [sessions, codes, tries, weak_uses, feed])
def test_a_deletion_takes_no_more_rows_than_it_was_told(fill, looping):
    delete_over = fill(looping)

    with looping.change(done()) as change:
        assert [delete_over(change) for _ in range(2)] == [MOST, MOST]
