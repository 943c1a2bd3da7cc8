"""End all sessions of a user, whichever contract they came through: what an operator does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Reason


@dataclass(frozen=True, slots=True)
class EndSessions:
    """End a user's sessions."""

    ENDS: ClassVar[Ends] = frozenset()
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    clock: Clock

    def __call__(self, operator: str, user_id: int) -> Sequence[str]:
        """Return the ids of the sessions that were ended."""
        with self.stores.change(Event("user:signed-out", "user", str(user_id), operator)) as change:
            change.accounts.lock(user_id)
            return change.sessions.end_of_user(user_id, Reason.KICKED_OUT, self.clock())
