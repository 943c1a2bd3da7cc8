"""The latest time seen, in SQL: one row, which only an operator moves back."""

from sqlalchemy import ColumnElement, case, delete, select

from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.dialects import insert_or_replace
from lingpai.stores.sql.engine import Database
from lingpai.stores.sql.tables import moments

LATEST = select(moments.c.at).where(moments.c.id == 1)


def _later(kept: ColumnElement[int], offered: ColumnElement[int]) -> ColumnElement[int]:
    return case((kept < offered, offered), else_=kept)


REACH = insert_or_replace(moments, key=["id"], replaced=["at"], by=_later)
START_AGAIN = delete(moments)


class SqlMoments:
    """The latest time seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self) -> int:
        return _latest(self._database.alone)

    def reach(self, at: int) -> int:
        with self._database.writing() as transaction:
            transaction.rows(REACH, id=1, at=at)
            return _latest(transaction)


class SqlMomentBook:
    """The latest time seen, to be moved back."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def start_again(self) -> None:
        self._ask.rows(START_AGAIN)


def _latest(ask: Asking) -> int:
    row = ask.row(LATEST)
    return row[0] if row else 0
