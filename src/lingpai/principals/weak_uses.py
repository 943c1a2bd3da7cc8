"""How often each client used a weak form: counted in memory, added to what is kept every few seconds."""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, tzinfo

from lingpai.stores.interfaces import WeakUseStore
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.policies import Used, WeakUse

LOG = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
"""So often a worker writes what it counted: whoever kills it loses no more than that."""

BATCH = 500
"""Counts of one transaction: other writers wait no longer than that takes."""

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
        self._unwritten: dict[Key, list[int]] = {}
        self._totals: dict[tuple[str, str, str], int] = {}
        self._quarter, self._day = -1, ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weak uses", daemon=True)

    def count(self, used: Used) -> None:
        """Count each form that *used* names, soon to be written."""
        with self._lock:
            day = self._day_of(used.at)
            for form in used.forms:
                self._put((day, used.client_id, used.contract, form.value), 1, int(form is used.refused), used.at)
                total = used.client_id, used.contract, form.value
                self._totals[total] = self._totals.get(total, 0) + 1

    def totals(self) -> Mapping[tuple[str, str, str], int]:
        """Return how often this worker has counted each (client, contract, form) since it started."""
        with self._lock:
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
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and write what is left."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()

    def _taken(self) -> list[WeakUse]:
        with self._lock:
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

    def _day_of(self, at: int) -> str:
        # No zone's midnight lies within a quarter of an hour.
        quarter = at // (900 * SECOND)
        if quarter != self._quarter:
            self._quarter, self._day = quarter, day_of(at, self._zone)
        return self._day

    def _run(self) -> None:
        while not self._stopped.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except Exception:
                LOG.exception("uses of weak forms not written")


def day_of(at: int, zone: tzinfo) -> str:
    """Return the day on which the moment *at* (milliseconds) falls in *zone*, as ISO 8601 writes it."""
    return datetime.fromtimestamp(at // SECOND, zone).date().isoformat()
