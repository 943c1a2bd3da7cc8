"""Notices, in SQL."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, insert, select

from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.tables import notices
from lingpai.stores.sql.values import new_columns_of, notice_of
from lingpai.vocabulary.values import Notice

PAGE = select(notices).order_by(notices.c.id.desc()).limit(bindparam("size")).offset(bindparam("skipped"))

ADD = insert(notices).returning(notices.c.id)


class SqlNotices:
    """Notices, read."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def page(self, number: int, size: int) -> Sequence[Notice]:
        return [notice_of(row) for row in self._ask.rows(PAGE, size=size, skipped=(number - 1) * size)]


class SqlNoticeBook(SqlNotices):
    """Notices, written."""

    def add(self, notice: Notice) -> Notice:
        (row,) = self._ask.rows(ADD, **new_columns_of(notice))
        return replace(notice, id=row[0])
