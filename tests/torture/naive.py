"""
What a race would be lost by: each is planted in both processes, to see that the race catches it.

None of it is ever imported by the tests that must pass.
"""

import time

from sqlalchemy import bindparam, delete, update

from lingpai.composition import House
from lingpai.operations.renew import Renew
from lingpai.principals.admission import Admission
from lingpai.stores.sql import accounts, generations, sessions, tables
from lingpai.stores.sql.engine import Database


def plant(name: str, house: House) -> None:
    PLANTS[name](house)


def look_then_write(_house: House) -> None:
    """A refresh token is exchanged because it was free when it was read, before the change."""
    exchange = (
        update(tables.generations)
        .where(tables.generations.c.session_id == bindparam("which"), tables.generations.c.number == bindparam("nth"))
        .values(exchanged=bindparam("at"))
    )

    def claim(self, session_id, number, at):
        self._ask.rows(exchange, which=session_id, nth=number, at=at)
        return True

    generations.SqlGenerationBook.claim = claim  # type: ignore[method-assign]


def whole_rows(house: House) -> None:
    """Whoever renews writes the session back as a whole, as it was read before the change."""
    save = update(tables.sessions).where(tables.sessions.c.id == bindparam("which"))
    exchange = Renew._exchange

    def saving(self, read, terms, shown, newest):
        before = read.session
        renewed = exchange(self, read, terms, shown, newest)
        time.sleep(0.002)
        with house.stores._database.writing() as transaction:  # type: ignore[attr-defined]
            transaction.rows(save.values(ended=before.ended, end_reason=before.end_reason), which=before.id)
        return renewed

    Renew._exchange = saving  # type: ignore[method-assign]


def codes_deleted_with_their_session(_house: House) -> None:
    """An ending deletes the codes of its session, a code that is there is good, and nobody looks twice."""
    gone = delete(tables.codes).where(tables.codes.c.session_id == bindparam("session_id"))
    end = sessions.SqlSessionBook.end

    def ending(self, session_id, reason, at):
        self._ask.rows(gone, session_id=session_id)
        return end(self, session_id, reason, at)

    sessions.SqlSessionBook.end = ending  # type: ignore[method-assign]
    Admission.check = lambda _self, standing, *_: standing  # type: ignore[method-assign]


def nothing_locked(house: House) -> None:
    """A change reads whom it is about, and locks nobody: on SQLite, it begins as a reader."""
    accounts.SqlAccountBook.lock = accounts.SqlAccounts.by_id  # type: ignore[method-assign]
    database: Database = house.stores._database  # type: ignore[attr-defined]
    if database._begin == "BEGIN IMMEDIATE":
        database._begin = "BEGIN"


PLANTS = {
    each.__name__: each for each in (look_then_write, whole_rows, codes_deleted_with_their_session, nothing_locked)
}
