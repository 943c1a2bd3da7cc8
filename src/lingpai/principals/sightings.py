"""Last-seen and sliding expiry, written in batches: at most once an interval for each session, a second late."""

import logging
import threading

from lingpai.stores.interfaces import SessionTraces
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.values import Sighting

LOG = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
"""So often a worker writes what it saw."""


class Sightings:
    """What this worker saw and has not written yet. `add` and `flush` may be called from any thread."""

    def __init__(self, traces: SessionTraces) -> None:
        self._traces = traces
        self._lock = threading.Lock()
        self._unwritten: dict[str, Sighting] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sightings", daemon=True)

    def add(self, sighting: Sighting) -> None:
        """Write *sighting* soon."""
        with self._lock:
            self._unwritten[sighting.session_id] = sighting

    def flush(self) -> None:
        """Write everything now; what the store does not take is kept for the next time."""
        with self._lock:
            batch, self._unwritten = self._unwritten, {}
        if not batch:
            return
        try:
            self._traces.saw(list(batch.values()))
        except Refused as refusal:
            LOG.warning("last-seen of %d sessions not written yet: %s", len(batch), refusal)
            with self._lock:
                self._unwritten = batch | self._unwritten

    def start(self) -> None:
        """Flush every second until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and write what is left."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._stopped.wait(FLUSH_SECONDS):
            self.flush()
