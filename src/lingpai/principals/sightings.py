"""Last-seen and sliding expiry, written in batches: at most once an interval for each session, a second late."""

import logging
import threading
from collections.abc import Callable, Sequence
from itertools import islice

from lingpai.principals.rounds import Rounds
from lingpai.stores.interfaces import SessionTraces
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.values import Sighting

LOG = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
"""So often a worker writes what it saw."""

BATCH = 500
"""Sightings of one transaction: other writers wait no longer than that takes."""

MOST = 200_000
"""So many are kept while the store takes none; the oldest are given up first."""


class Sightings:
    """
    What this worker saw and has not written yet. `add` and `flush` may be called from any thread.

    Args:
        wrote: Told of each batch that was written, and of the time after that.

    """

    def __init__(self, traces: SessionTraces, clock: Clock, wrote: Callable[[Sequence[Sighting], int], None]) -> None:
        self._traces = traces
        self._clock = clock
        self._wrote = wrote
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._unwritten: dict[str, Sighting] = {}
        self._rounds = Rounds("sightings", self.flush, FLUSH_SECONDS, "last-seen not written", LOG)

    def add(self, sighting: Sighting) -> None:
        """Write *sighting* soon."""
        with self._lock:
            waiting = self._unwritten.get(sighting.session_id)
            if waiting is None or waiting.seen < sighting.seen:
                self._unwritten[sighting.session_id] = sighting
            if len(self._unwritten) > MOST:
                del self._unwritten[next(iter(self._unwritten))]
        if sighting.is_urgent:
            self._rounds.wake()

    def waiting(self) -> int:
        """Return how many are not written yet."""
        return len(self._unwritten)

    def flush(self) -> None:
        """Write everything now; what the store does not take is kept for the next time."""
        # One at a time, so that after a flush everything added before it is written or kept.
        with self._flushing:
            while batch := self._first():
                try:
                    self._traces.saw(batch)
                except Refused as refusal:
                    LOG.warning("last-seen of %d sessions not written yet: %s", len(self._unwritten), refusal)
                    return
                self._wrote(batch, self._clock())
                self._drop(batch)

    def start(self) -> None:
        """Flush every second until `stop`."""
        self._rounds.start()

    def stop(self) -> None:
        """End the thread, and write what is left; what fails then is logged, and ends nothing else."""
        self._rounds.stop()
        self._rounds.attempt()

    def _first(self) -> Sequence[Sighting]:
        with self._lock:
            return list(islice(self._unwritten.values(), BATCH))

    def _drop(self, batch: Sequence[Sighting]) -> None:
        with self._lock:
            for sighting in batch:
                if self._unwritten.get(sighting.session_id) is sighting:
                    del self._unwritten[sighting.session_id]
