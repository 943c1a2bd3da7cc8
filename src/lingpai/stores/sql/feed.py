"""What happened, in SQL: the change feed that memories follow, and the audit trail."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, Text, bindparam, delete, func, insert, or_, select

from lingpai.stores.interfaces import Heard, Place
from lingpai.stores.sql import snapshots
from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.dialects import PerDialect
from lingpai.stores.sql.tables import audit, feed
from lingpai.vocabulary.events import AuditRow, Event, FeedEntry, Wanted

LAST = select(func.max(feed.c.number))
# With the entry itself: while it is kept, nothing above it was trimmed, whatever numbers the engine left out.
SINCE = (
    select(feed.c.number, feed.c.subject, feed.c.subject_id)
    .where(feed.c.number >= bindparam("nth"))
    .order_by(feed.c.number)
)
TELL = insert(feed).returning(feed.c.number)
_OLD = (
    select(feed.c.number)
    .where(feed.c.at < bindparam("before"), feed.c.number < LAST.scalar_subquery())
    .order_by(feed.c.number)
    .limit(bindparam("most"))
)
DELETE_OVER = PerDialect(
    delete(feed).where(feed.c.number.in_(_OLD)).returning(feed.c.number),
    snapshots.DELETE_OVER,
)

AUDIT_PAGE = select(audit).where(audit.c.number > bindparam("after")).order_by(audit.c.number).limit(bindparam("size"))
AUDIT_NEWEST = select(func.max(audit.c.number))


def _if_asked(name: str) -> ColumnElement[bool]:
    asked = bindparam(name, type_=Text)
    return or_(asked == "", audit.c[name] == asked)


AUDIT_FIND = (
    select(audit)
    .where(
        audit.c.number > bindparam("above"),
        audit.c.number < bindparam("below"),
        audit.c.at >= bindparam("since"),
        *map(_if_asked, ("subject", "subject_id", "actor", "kind")),
    )
    .order_by(audit.c.number.desc())
    .limit(bindparam("size"))
)
RECORD = insert(audit)


class SqlFeed:
    """The change feed, followed where numbers are committed in their order: on SQLite, which has one writer."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def here(self) -> Place:
        ((number,),) = self._ask.rows(LAST)
        return number or 0

    def after(self, place: Place) -> Heard | None:
        number = int(place)
        entries = [FeedEntry(*row) for row in self._ask.rows(SINCE, nth=number)]
        if not entries:
            return None if number else Heard(entries, 0)
        if entries[0].number > number + 1:
            return None
        return Heard(entries[1:] if entries[0].number == number else entries, entries[-1].number)

    def wake(self, follower: Callable[[], None]) -> None:
        """SQLite tells nobody of what another process wrote."""


class SqlFeedBook:
    """The change feed, written and trimmed."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def tell(self, event: Event, at: int) -> FeedEntry:
        """Append that what *event* is about must be forgotten."""
        (row,) = self._ask.rows(TELL, at=at, subject=event.subject, subject_id=event.subject_id)
        return FeedEntry(row[0], event.subject, event.subject_id)

    def delete_over(self, before: int, most: int) -> int:
        return len(self._ask.rows(DELETE_OVER, before=before, most=most))


class SqlAudit:
    """The audit trail, read."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def page(self, after: int, size: int) -> Sequence[AuditRow]:
        return [AuditRow(*row) for row in self._ask.rows(AUDIT_PAGE, after=after, size=size)]

    def newest(self) -> int:
        ((number,),) = self._ask.rows(AUDIT_NEWEST)
        return number or 0

    def find(self, wanted: Wanted, above: int, below: int, size: int) -> Sequence[AuditRow]:
        asked = {"above": above, "below": below, "size": size, **asdict(wanted)}
        return [AuditRow(*row) for row in self._ask.rows(AUDIT_FIND, **asked)]


class SqlAuditBook(SqlAudit):
    """The audit trail, appended to."""

    def record(self, event: Event, at: int) -> None:
        """Append what happened."""
        self._ask.rows(
            RECORD,
            at=at,
            kind=event.kind,
            subject=event.subject,
            subject_id=event.subject_id,
            actor=event.actor,
            detail=dict(event.detail),
        )
