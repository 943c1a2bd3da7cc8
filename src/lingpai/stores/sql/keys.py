"""Working keys, encrypted, in SQL."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, delete, insert, literal, select, text, update

from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.dialects import PerDialect
from lingpai.stores.sql.tables import keys
from lingpai.stores.sql.values import key_of, new_columns_of
from lingpai.vocabulary.values import WorkingKey

ALL = select(keys).order_by(keys.c.id.desc())
OF = select(keys).where(keys.c.purpose == bindparam("purpose")).order_by(keys.c.id.desc())

# There may be no row to lock yet. SQLite has one writer at a time.
LOCK = PerDialect(select(literal(1)), text("LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE"))
ADD = insert(keys).returning(keys.c.id)
_THIS = keys.c.id == bindparam("key_id")
SEAL = update(keys).where(_THIS).values(sealed=bindparam("otherwise"))
END = update(keys).where(_THIS).values(ends=bindparam("at"))
DROP = delete(keys).where(_THIS)


class SqlKeys:
    """Working keys, read."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def of(self, purpose: str) -> Sequence[WorkingKey]:
        return [key_of(row) for row in self._ask.rows(OF, purpose=purpose)]

    def all(self) -> Sequence[WorkingKey]:
        return [key_of(row) for row in self._ask.rows(ALL)]


class SqlKeyBook(SqlKeys):
    """Working keys, written."""

    def lock(self, purpose: str) -> Sequence[WorkingKey]:
        self._ask.rows(LOCK)
        return self.of(purpose)

    def add(self, key: WorkingKey) -> WorkingKey:
        (row,) = self._ask.rows(ADD, **new_columns_of(key))
        return replace(key, id=row[0])

    def seal(self, key_id: int, sealed: bytes) -> None:
        self._ask.rows(SEAL, key_id=key_id, otherwise=sealed)

    def end(self, key_id: int, at: int) -> None:
        self._ask.rows(END, key_id=key_id, at=at)

    def drop(self, key_id: int) -> None:
        self._ask.rows(DROP, key_id=key_id)
