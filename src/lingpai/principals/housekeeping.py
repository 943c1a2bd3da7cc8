"""Deletes what is long over, in bounded batches, so that tables stay as small as the life in them."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC

from lingpai.principals.rounds import Rounds
from lingpai.principals.weak_uses import day_of
from lingpai.stores.interfaces import Change, Stores
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import Event, Unchanged

LOG = logging.getLogger(__name__)

ROUND_SECONDS = 60
"""So often a worker looks."""

BATCH = 500
"""Rows of a table that go in one transaction."""

SESSIONS_KEPT_SECONDS = 7 * 86_400
"""So long an ended session's row stays, so that its holder can be told why (contracts.md, section 0)."""

CODES_KEPT_SECONDS = 3600
"""So long an auth code's row stays, so that its holder hears "expired" and not "unknown"."""

FEED_KEPT_SECONDS = 3600
"""So long an entry of the change feed stays; a worker that slept longer forgets everything."""


WEAK_USES_KEPT_SECONDS = 400 * 86_400
"""So long is kept how often weak forms were used: a year can be compared with the one before."""


class Housekeeping:
    """
    Deletes on a thread of its own, a batch at a time, with pauses in which others write.

    Args:
        also: What else is to be done each round.

    """

    def __init__(self, stores: Stores, clock: Clock, also: Callable[[], object] = lambda: None) -> None:
        self._stores = stores
        self._clock = clock
        self._also = also
        self._rounds = Rounds("housekeeping", self._round, ROUND_SECONDS, "nothing deleted this time", LOG)

    def tidy(self) -> int:
        """Delete one batch of each table, and return how many rows went; nothing is written where none would."""
        deleted = 0
        with suppress(Unchanged), self._stores.change(Event("rows:deleted", "everything", "", told=False)) as change:
            deleted = self._delete(change)
        return deleted

    def start(self) -> None:
        """Tidy every minute until `stop`."""
        self._rounds.start()

    def stop(self) -> None:
        """End the thread."""
        self._rounds.stop()

    def _delete(self, change: Change) -> int:
        now = self._clock()
        deleted = (
            change.sessions.delete_over(now - SESSIONS_KEPT_SECONDS * SECOND, BATCH)
            + change.codes.delete_over(now - CODES_KEPT_SECONDS * SECOND, BATCH)
            + change.tries.delete_over(now, BATCH)
            + change.feed.delete_over(now - FEED_KEPT_SECONDS * SECOND, BATCH)
            + change.weak_uses.delete_over(day_of(now - WEAK_USES_KEPT_SECONDS * SECOND, UTC), BATCH)
        )
        if not deleted:
            raise Unchanged
        return deleted

    def _round(self) -> float | None:
        has_more = self.tidy() >= BATCH
        self._also()
        return 0.2 if has_more else None
