"""How often each client used a weak form: counted in memory, added to what is kept every few seconds."""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, tzinfo

from lingpai.principals.rounds import Rounds
from lingpai.stores.interfaces import WeakUseStore
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.policies import Used, WeakForm, WeakUse

LOG = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
"""So often a worker writes what it counted: whoever kills it loses no more than that."""

BATCH = 500
"""Counts of one transaction: other writers wait no longer than that takes."""

QUARTER = 900 * SECOND
"""Milliseconds in which no zone's midnight lies but at their start."""

Kind = tuple[int, str, str, tuple[WeakForm, ...], WeakForm | None]
"""What calls that are counted as one have alike: the quarter of an hour, client, contract, forms, the one refused."""

Key = tuple[str, str, str, str]
"""Day, client, contract, form."""


class WeakUses:
    """
    What this worker counted. `count` and `flush` may be called from any thread.

    Args:
        zone: Whose days are counted.

    """

    def __init__(self, store: WeakUseStore, zone: tzinfo) -> None:
        self._store = store
        self._zone = zone
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._counted: dict[Kind, list[int]] = {}
        self._unwritten: dict[Key, list[int]] = {}
        self._totals: dict[tuple[str, str, str], int] = {}
        self._rounds = Rounds("weak uses", self.flush, FLUSH_SECONDS, "uses of weak forms not written", LOG)

    def count(self, used: Used) -> None:
        """Count each form that *used* names, soon to be written."""
        kind = used.at // QUARTER, used.client_id, used.contract, used.forms, used.refused
        with self._lock:
            counted = self._counted.get(kind)
            if counted is None:
                self._counted[kind] = [1, used.at]
            else:
                counted[0] += 1
                counted[1] = max(counted[1], used.at)

    def totals(self) -> Mapping[tuple[str, str, str], int]:
        """Return how often this worker has counted each (client, contract, form) since it started."""
        with self._lock:
            self._sort_out()
            return dict(self._totals)

    def flush(self) -> None:
        """Write everything now; what the store does not take is kept for the next time."""
        with self._flushing:
            while batch := self._taken():
                try:
                    self._store.add(batch)
                except BaseException as trouble:
                    with self._lock:
                        for use in batch:
                            key = use.day, use.client_id, use.contract, use.form
                            self._put(key, use.uses, use.refused, use.last)
                    if not isinstance(trouble, Refused):
                        raise
                    LOG.warning("uses of weak forms not written yet: %s", trouble)
                    return

    def start(self) -> None:
        """Flush every few seconds until `stop`."""
        self._rounds.start()

    def stop(self) -> None:
        """End the thread, and write what is left; what fails then is logged, and ends nothing else."""
        self._rounds.stop()
        self._rounds.attempt()

    def _taken(self) -> list[WeakUse]:
        with self._lock:
            self._sort_out()
            keys = list(self._unwritten)[:BATCH]
            return [WeakUse(*key, *self._unwritten.pop(key)) for key in keys]

    def _put(self, key: Key, uses: int, refused: int, last: int) -> None:
        kept = self._unwritten.get(key)
        if kept is None:
            self._unwritten[key] = [uses, refused, last]
            return
        kept[0] += uses
        kept[1] += refused
        kept[2] = max(kept[2], last)

    def _sort_out(self) -> None:
        """Put what calls were counted alike into the counts of each form."""
        for (_, client_id, contract, forms, refused), (uses, last) in self._counted.items():
            day = day_of(last, self._zone)
            for form in forms:
                self._put((day, client_id, contract, form.value), uses, uses if form is refused else 0, last)
                total = client_id, contract, form.value
                self._totals[total] = self._totals.get(total, 0) + uses
        self._counted.clear()


def day_of(at: int, zone: tzinfo) -> str:
    """Return the day on which the moment *at* (milliseconds) falls in *zone*, as ISO 8601 writes it."""
    return datetime.fromtimestamp(at // SECOND, zone).date().isoformat()
