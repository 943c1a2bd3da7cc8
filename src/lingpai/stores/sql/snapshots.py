"""
The change feed on PostgreSQL, where a lower number can be committed after a higher one.

A place is a snapshot: which transactions were over when the follower looked (`pg_current_snapshot`). What it has
not heard is what they had not told: every entry whose transaction was not over there, and is now.
"""

from collections.abc import Callable
from typing import Protocol

from sqlalchemy import text

from lingpai.stores.interfaces import Heard, Place
from lingpai.stores.sql.asking import Asking
from lingpai.vocabulary.events import FeedEntry

HERE = text("SELECT pg_current_snapshot()::text")

# One statement, so one snapshot: what is not in it cannot have been told. Only the lower end of the index range waits
# for the oldest transaction of the whole server; nothing in it is heard twice.
SINCE = text("""
    SELECT pg_current_snapshot()::text, (SELECT min(xid) FROM feed), feed.number, feed.subject, feed.subject_id
    FROM (SELECT) AS nothing
    LEFT JOIN feed
        ON feed.xid >= :first
        AND NOT pg_visible_in_snapshot(feed.xid::text::xid8, CAST(:place AS pg_snapshot))
    ORDER BY feed.number
""")

# A prefix in the order of transactions, which ends before the newest that is surely over and before the first that is
# young enough: so an older entry that is still there proves that no later one is gone.
# Chosen once, as in `delete_chosen`.
DELETE_OVER = text("""
    WITH chosen AS MATERIALIZED (
        SELECT number FROM feed
        WHERE xid < (
            SELECT max(xid) FROM feed WHERE xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        )
        AND xid < coalesce((SELECT min(xid) FROM feed WHERE at >= :before), 9223372036854775807)
        ORDER BY xid, number LIMIT :most FOR UPDATE
    )
    DELETE FROM feed WHERE number IN (SELECT number FROM chosen)
    RETURNING number
""")

# What can be seen and has not begun came with a database that was restored from another server.
ADOPT = text("UPDATE feed SET xid = 0 WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint")


class Calls(Protocol):
    """What calls followers early (`channel.py`)."""

    def follow(self, follower: Callable[[], None]) -> None:
        """Call *follower* whenever another worker may have told something."""


class SnapshotFeed:
    """The change feed, followed."""

    def __init__(self, ask: Asking, calls: Calls) -> None:
        self._ask = ask
        self._calls = calls

    def here(self) -> Place:
        ((place,),) = self._ask.rows(HERE)
        return str(place)

    def after(self, place: Place) -> Heard | None:
        first, end = _bounds(str(place))
        rows = self._ask.rows(SINCE, place=place, first=first)
        now, oldest, *_ = rows[0]
        # An older database, or one in which nothing is kept that is older than all that we could miss.
        if _bounds(now)[1] < end or oldest is None or oldest >= first:
            return None
        return Heard([FeedEntry(*row[2:]) for row in rows if row[2] is not None], now)

    def wake(self, follower: Callable[[], None]) -> None:
        self._calls.follow(follower)


def _bounds(snapshot: str) -> tuple[int, int]:
    """Return the first transaction that was not over, and the first that had not begun."""
    first, end, _ = snapshot.split(":")
    return int(first), int(end)
