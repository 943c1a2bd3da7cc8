"""Auth codes, in SQL."""

from sqlalchemy import bindparam, insert, select

from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.bounded import delete_chosen
from lingpai.stores.sql.tables import codes
from lingpai.stores.sql.values import code_of, columns_of
from lingpai.vocabulary.values import AuthCode

FIND = select(codes).where(codes.c.digest == bindparam("digest"))
FIND_ANY = select(codes).where(codes.c.digest.in_(bindparam("digests", expanding=True)))

ADD = insert(codes)
_OVER = (
    select(codes.c.digest)
    .where(codes.c.end < bindparam("before"))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
DELETE_OVER = delete_chosen(codes, _OVER)


class SqlCodes:
    """Auth codes, read."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def find(self, *digests: bytes) -> AuthCode | None:
        one = len(digests) == 1
        row = self._ask.row(FIND, digest=digests[0]) if one else self._ask.row(FIND_ANY, digests=digests)
        return code_of(row) if row else None


class SqlCodeBook(SqlCodes):
    """Auth codes, written."""

    def add(self, code: AuthCode) -> None:
        self._ask.rows(ADD, **columns_of(code))

    def delete_over(self, before: int, most: int) -> int:
        return len(self._ask.rows(DELETE_OVER, before=before, most=most))
