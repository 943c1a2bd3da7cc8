"""End one session, whosever it is: what an operator does."""

from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event, Unchanged
from lingpai.vocabulary.outcomes import Ends, Reason


@dataclass(frozen=True, slots=True)
class EndOneSession:
    """End the session with an id."""

    ENDS: ClassVar[Ends] = frozenset()
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    clock: Clock

    def __call__(self, operator: str, session_id: str) -> bool:
        """Return whether it was not ended yet; it is now."""
        event = Event("session:ended", "session", session_id, operator)
        with suppress(Unchanged), self.stores.change(event) as change:
            if not change.sessions.end(session_id, Reason.KICKED_OUT, self.clock()):
                raise Unchanged
            return True
        return False
