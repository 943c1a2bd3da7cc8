"""Time that never goes back, not even over a restart: a machine's clock that is set back revives nothing."""

import logging

from lingpai.principals.rounds import Rounds
from lingpai.stores.interfaces import MomentStore
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.outcomes import Outcome, Refused

LOG = logging.getLogger(__name__)

STORE_SECONDS = 60
"""So often a worker keeps the time, and learns how late it is elsewhere."""

BACK_SECONDS = 60
"""A clock that is further back than this is wrong, not merely corrected: nothing is issued by it."""


class Timekeeper:
    """
    A clock (`vocabulary.clock.Clock`): the machine's, but never earlier than the latest time seen.

    While the machine's clock is behind, time stands still.

    Args:
        machine: The machine's clock.

    """

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._latest = 0
        self._rounds: Rounds | None = None

    def __call__(self) -> int:
        """Return the time to judge by."""
        now = self._machine()
        if now < self._latest:
            return self._latest
        self._latest = now
        return now

    def issuing(self) -> int:
        """
        Return the time to issue by.

        Raises:
            Refused: With STORE_SILENT, while the clock is too far back to tell how long anything would last.

        """
        behind = self.behind()
        if behind > BACK_SECONDS * SECOND:
            wait = behind // SECOND - BACK_SECONDS + 1
            why = f"the clock is {behind // SECOND} seconds behind the latest time seen"
            raise Refused(Outcome.STORE_SILENT, why, retry_after=wait)
        return self()

    def behind(self) -> int:
        """Return how many milliseconds the machine's clock is behind the latest time seen."""
        return max(0, self._latest - self._machine())

    def is_right(self) -> bool:
        """Return whether the clock is near enough to issue by."""
        return self.behind() <= BACK_SECONDS * SECOND

    def learn(self, latest: int) -> None:
        """Judge by nothing earlier than *latest* from now on."""
        self._latest = max(self._latest, latest)

    def keep(self, moments: MomentStore) -> None:
        """Keep the time in *moments*, and learn of a later one there."""
        self.learn(moments.reach(self()))

    def start(self, moments: MomentStore) -> None:
        """Keep the time now and every minute until `stop`."""
        self._rounds = Rounds("timekeeping", lambda: self._round(moments), STORE_SECONDS, "the time is not kept", LOG)
        self._rounds.attempt()
        self._rounds.start()

    def stop(self) -> None:
        """End the thread, and keep the time once more."""
        if self._rounds is not None:
            self._rounds.stop()
            self._rounds.attempt()

    def _round(self, moments: MomentStore) -> None:
        try:
            self.keep(moments)
        finally:
            if not self.is_right():
                behind = self.behind() // SECOND
                LOG.error("the clock is %d seconds behind the latest time seen: issuing nothing", behind)
