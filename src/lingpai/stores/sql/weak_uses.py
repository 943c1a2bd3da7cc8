"""How often weak forms were used, in SQL: counts that only grow, day by day."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, bindparam, case, select

from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.bounded import delete_chosen
from lingpai.stores.sql.dialects import insert_or_merge
from lingpai.stores.sql.engine import Database
from lingpai.stores.sql.tables import weak_uses
from lingpai.stores.sql.values import columns_of, weak_use_of
from lingpai.vocabulary.policies import WeakUse

KEY = ("day", "client_id", "contract", "form")


def _sum(kept: ColumnElement[int], offered: ColumnElement[int]) -> ColumnElement[int]:
    return kept + offered


def _later(kept: ColumnElement[int], offered: ColumnElement[int]) -> ColumnElement[int]:
    return case((kept < offered, offered), else_=kept)


ADD = insert_or_merge(weak_uses, key=KEY, merged={"uses": _sum, "refused": _sum, "last": _later})
_SINCE = select(weak_uses).where(weak_uses.c.day >= bindparam("day_from"))
SINCE = _SINCE.order_by(*(weak_uses.c[name] for name in KEY))
SINCE_OF = SINCE.where(weak_uses.c.client_id == bindparam("of_client"))
_OLD = (
    select(*(weak_uses.c[name] for name in KEY))
    .where(weak_uses.c.day < bindparam("before"))
    .order_by(weak_uses.c.day)
    .limit(bindparam("most"))
)
DELETE_OVER = delete_chosen(weak_uses, _OLD)


class SqlWeakUses:
    """Uses of weak forms, each batch added in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, uses: Sequence[WeakUse]) -> None:
        # In one order, so that two batches never wait for each other's rows.
        batch = sorted(uses, key=lambda use: (use.day, use.client_id, use.contract, use.form))
        if batch:
            with self._database.writing() as transaction:
                for use in batch:
                    transaction.rows(ADD, **columns_of(use))

    def since(self, day: str, client_id: str = "") -> Sequence[WeakUse]:
        if client_id:
            rows = self._database.alone.rows(SINCE_OF, day_from=day, of_client=client_id)
        else:
            rows = self._database.alone.rows(SINCE, day_from=day)
        return [weak_use_of(row) for row in rows]


class SqlWeakUseBook:
    """Uses of weak forms, to be deleted when they are old."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def delete_over(self, before: str, most: int) -> int:
        return len(self._ask.rows(DELETE_OVER, before=before, most=most))
