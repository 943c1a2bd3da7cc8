"""Sign out: end the session that the call belongs to."""

from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event, Unchanged
from lingpai.vocabulary.outcomes import Ends, Reason
from lingpai.vocabulary.values import Caller


@dataclass(frozen=True, slots=True)
class EndSession:
    """End the caller's session. One that somebody else ended meanwhile is over all the same."""

    TITLE: ClassVar[tuple[str, str]] = ("退出登录", "Sign out")
    ENDS: ClassVar[Ends] = frozenset()
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    clock: Clock

    def __call__(self, caller: Caller, _question: None) -> None:
        event = Event("session:ended", "session", caller.session.id, caller.actor)
        with suppress(Unchanged), self.stores.change(event) as change:
            if not change.sessions.end(caller.session.id, Reason.SIGNED_OUT, self.clock()):
                raise Unchanged
