"""What the steps of a call may use: one desk for the event loop, which remembers, and one for threads, which ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lingpai.principals.admission import Admission
from lingpai.principals.keys import Keyring
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.outcomes import NotRemembered
from lingpai.vocabulary.values import AuthCode, Client, Randomness, Standing


class Sessions(Protocol):
    """Sessions by token (its digest under each pepper) or id; on the event loop, a miss is `NotRemembered`."""

    def standing(self, *token_digests: bytes) -> Standing | None: ...
    def standing_of(self, session_id: str, /) -> Standing | None: ...


class Clients(Protocol):
    """Client apps by id; on the event loop, a miss is `NotRemembered`."""

    def by_id(self, client_id: str, /) -> Client | None: ...


class Codes(Protocol):
    """Auth codes by digest; on the event loop, a miss is `NotRemembered`."""

    def find(self, *digests: bytes) -> AuthCode | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """
    The tools of one way to serve a call.

    Args:
        operations: By the name that routes give them: the operation's class, or the business call itself.
            The event loop's desk has only those that may be answered from memory.
        issue: Claims the next value of a session's clock (`SessionTraces.issue`), where this desk may write.

    """

    clock: Clock
    randomness: Randomness
    keys: Keyring
    sessions: Sessions
    clients: Clients
    codes: Codes
    admission: Admission
    operations: Mapping[Any, Callable[[Any, Any], Any]]
    issue: Callable[[str, int, int], bool]

    def operation(self, verb: Any) -> Callable[[Any, Any], Any]:
        """Return what answers *verb*, or raise `NotRemembered` where this desk cannot."""
        try:
            return self.operations[verb]
        except KeyError:
            raise NotRemembered from None
