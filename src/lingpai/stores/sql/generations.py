"""Pairs of refreshable tokens, in SQL."""

from sqlalchemy import bindparam, insert, select, update

from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.tables import generations
from lingpai.stores.sql.values import columns_of, generation_of
from lingpai.vocabulary.values import Generation

_THIS = (generations.c.session_id == bindparam("which"), generations.c.number == bindparam("nth"))

FIND = select(generations).where(*_THIS)
NEWEST = (
    select(generations)
    .where(generations.c.session_id == bindparam("which"))
    .order_by(generations.c.number.desc())
    .limit(1)
)

ADD = insert(generations)
CLAIM = (
    update(generations)
    .where(*_THIS, generations.c.exchanged.is_(None))
    .values(exchanged=bindparam("at"))
    .returning(generations.c.number)
)
SET_ASIDE = update(generations).where(*_THIS).values(set_aside=True)


class SqlGenerations:
    """Pairs, read."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def find(self, session_id: str, number: int) -> Generation | None:
        row = self._ask.row(FIND, which=session_id, nth=number)
        return generation_of(row) if row else None

    def newest(self, session_id: str) -> Generation | None:
        row = self._ask.row(NEWEST, which=session_id)
        return generation_of(row) if row else None


class SqlGenerationBook(SqlGenerations):
    """Pairs, written."""

    def add(self, generation: Generation) -> None:
        self._ask.rows(ADD, **columns_of(generation))

    def claim(self, session_id: str, number: int, at: int) -> bool:
        return self._ask.row(CLAIM, which=session_id, nth=number, at=at) is not None

    def set_aside(self, session_id: str, number: int) -> None:
        self._ask.rows(SET_ASIDE, which=session_id, nth=number)
