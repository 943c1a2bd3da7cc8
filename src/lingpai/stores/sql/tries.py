"""Tries of passwords, in SQL: a name has a row for each network, and one for all of them together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy import Executable, bindparam, case, delete, select

from lingpai.stores.interfaces import TryBook
from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.bounded import delete_chosen
from lingpai.stores.sql.dialects import Insert, PerDialect, insert_or_replace, per_dialect
from lingpai.stores.sql.engine import Database
from lingpai.stores.sql.tables import failures
from lingpai.stores.sql.values import columns_of, tries_of
from lingpai.vocabulary.values import Pace, Tries

KEY = ["digest", "network"]

OF = select(failures).where(failures.c.digest == bindparam("digest")).order_by(failures.c.network)
FIND = select(failures).where(failures.c.digest == bindparam("digest"), failures.c.network == bindparam("network"))

CLEAR = insert_or_replace(failures, key=KEY, replaced=["count", "next", "latest", "known", "end"])
FORGET = delete(failures).where(failures.c.digest == bindparam("digest")).returning(failures.c.network)
_OVER = (
    select(failures.c.digest, failures.c.network)
    .where(failures.c.end < bindparam("before"))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
DELETE_OVER = delete_chosen(failures, _OVER)


@lru_cache(maxsize=8)
def claim_at(pace: Pace) -> PerDialect:
    """Return the insert of a first try that makes of a row which is there the next one, unless it comes too soon."""

    def upsert(insert: Insert) -> Executable:
        at = insert.excluded.latest
        count = case((failures.c.latest + pace.forgotten < at, 1), else_=failures.c.count + 1)
        wait = case(dict(enumerate(pace.waits, 1)), value=count, else_=pace.waits[-1])
        end = case((failures.c.known > insert.excluded.end, failures.c.known), else_=insert.excluded.end)
        return insert.on_conflict_do_update(
            index_elements=KEY,
            set_={"count": count, "next": at + wait, "latest": at, "end": end},
            where=failures.c.next <= at,
        ).returning(*failures.c)

    return per_dialect(failures, upsert)


class SqlTryBook:
    """Tries of passwords, counted."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def find(self, digest: bytes, network: str) -> Tries | None:
        row = self._ask.row(FIND, digest=digest, network=network)
        return tries_of(row) if row else None

    def claim(self, digest: bytes, network: str, at: int, pace: Pace) -> Tries | None:
        first = Tries(digest, network, 1, at + pace.waits[0], at, 0, at + pace.forgotten)
        row = self._ask.row(claim_at(pace), **columns_of(first))
        return tries_of(row) if row else None

    def clear(self, digest: bytes, network: str, at: int, known: int) -> None:
        self._ask.rows(CLEAR, **columns_of(Tries(digest, network, 0, 0, at, known, known)))

    def forget(self, digest: bytes) -> int:
        return len(self._ask.rows(FORGET, digest=digest))

    def delete_over(self, before: int, most: int) -> int:
        return len(self._ask.rows(DELETE_OVER, before=before, most=most))


class SqlTries:
    """Tries of passwords."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, digest: bytes, network: str) -> Tries | None:
        return SqlTryBook(self._database.alone).find(digest, network)

    def of(self, digest: bytes) -> Sequence[Tries]:
        return [tries_of(row) for row in self._database.alone.rows(OF, digest=digest)]

    @contextmanager
    def counting(self) -> Iterator[TryBook]:
        with self._database.writing() as transaction:
            yield SqlTryBook(transaction)
