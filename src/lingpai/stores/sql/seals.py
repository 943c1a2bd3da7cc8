"""The chain over the audit trail, in SQL: whoever inserts a position first has sealed it."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, exists, func, insert, select

from lingpai.stores.interfaces import Sealed
from lingpai.stores.sql.asking import Row
from lingpai.stores.sql.dialects import insert_unless_taken
from lingpai.stores.sql.engine import Database
from lingpai.stores.sql.tables import audit, seals
from lingpai.vocabulary.events import AuditRow, Seal

HEAD = select(seals).where(seals.c.position == select(func.max(seals.c.position)).scalar_subquery())
OF = select(seals).where(seals.c.number == bindparam("which"))
PAGE = (
    select(seals, audit)
    .outerjoin(audit, audit.c.number == seals.c.number)
    .where(seals.c.position > bindparam("after"))
    .order_by(seals.c.position)
    .limit(bindparam("size"))
)
UNSEALED = (
    select(audit)
    .where(
        audit.c.number > bindparam("above"),
        audit.c.number <= bindparam("up_to"),
        ~exists(select(seals.c.number).where(seals.c.number == audit.c.number)),
    )
    .order_by(audit.c.number)
    .limit(bindparam("size"))
)
CLAIM = insert_unless_taken(seals, seals.c.position)
ADD = insert(seals)

_ROW_AT = len(seals.c)


class SqlSeals:
    """The chain."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ask = database.alone

    def head(self) -> Seal | None:
        return _seal(self._ask.row(HEAD))

    def of(self, number: int) -> Seal | None:
        return _seal(self._ask.row(OF, which=number))

    def page(self, after: int, size: int) -> Sequence[Sealed]:
        return [_sealed(row) for row in self._ask.rows(PAGE, after=after, size=size)]

    def unsealed(self, above: int, up_to: int, size: int) -> Sequence[AuditRow]:
        return [AuditRow(*row) for row in self._ask.rows(UNSEALED, above=above, up_to=up_to, size=size)]

    def add(self, seals: Sequence[Seal]) -> bool:
        first, *others = seals
        with self._database.writing() as transaction:
            # On PostgreSQL this waits for whoever holds the position: until they commit, or are gone.
            is_first = transaction.row(CLAIM, **asdict(first)) is not None
            if is_first:
                transaction.each(ADD, [asdict(seal) for seal in others])
        return is_first


def _seal(row: Row | None) -> Seal | None:
    return Seal(*row) if row else None


def _sealed(row: Row) -> Sealed:
    columns = list(row)
    there = columns[_ROW_AT] is not None
    return Sealed(Seal(*columns[:_ROW_AT]), AuditRow(*columns[_ROW_AT:]) if there else None)
