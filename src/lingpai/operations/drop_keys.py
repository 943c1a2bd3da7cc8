"""Drop the keys before the one in use, which somebody else may know, and end what rests on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lingpai.principals.keys import DATA, PEPPER, Keyring
from lingpai.principals.retiring import KEPT, Retiring
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event, Subject
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused
from lingpai.vocabulary.values import WorkingKey

BATCH = 1000
"""Sessions that are ended in one transaction."""


@dataclass(frozen=True, slots=True)
class DropKeys:
    """
    Accept nothing any more that was made with an older key.

    Clients' secrets are kept anew first, so that they go on. Tokens are refused from the moment that the keys
    are gone; their holders cannot be told why, since nobody can tell their tokens from forged ones.
    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOT_ALLOWED, Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    keys: Keyring
    clock: Clock

    def __call__(self, operator: str, purpose: str) -> int:
        """
        Return how many sessions were ended.

        Raises:
            Refused: With NOT_ALLOWED for keys that are kept for ever, while the newest key is not used yet, or
                while a client's secret still rests on an older one; with NOTHING_THERE where there is no key.

        """
        if purpose in KEPT:
            raise Refused(Outcome.NOT_ALLOWED, f"keys for {purpose} are kept for ever")
        if not (keys := self.stores.keys.of(purpose)):
            raise Refused(Outcome.NOTHING_THERE, f"no key for {purpose}")
        newest, *older = keys
        if not self.keys.is_in_use(purpose, newest.id):
            raise Refused(Outcome.NOT_ALLOWED, f"the new key for {purpose} is not used yet")
        if purpose in (PEPPER, DATA):
            retiring = Retiring(self.stores, self.keys, self.clock)
            retiring.keep_clients_anew()
            if retiring.some_client_rests():
                raise Refused(Outcome.NOT_ALLOWED, f"a client's secret rests on an older {purpose}")
        with self.stores.change(Event("keys:dropped", "keys", purpose, operator)) as change:
            change.keys.lock(purpose)
            for key in older:
                change.keys.drop(key.id)
        return self._end_all(operator, newest, [key.id for key in older])

    def _end_all(self, operator: str, newest: WorkingKey, older: Sequence[int]) -> int:
        """End the rows of the sessions whose tokens are refused now, a batch at a time."""
        purpose, ended = newest.purpose, 0
        contract, dot, kind = purpose.partition(".")
        if not older or not (dot or purpose == PEPPER):
            return 0
        # A pair names the key that signed it; of other tokens we know when they were made.
        by_key, until = (older, self.clock()) if kind == "pair" else ((), newest.begins)
        whose = None if purpose == PEPPER else contract
        # A pair may have been renewed meanwhile, and be remembered; what has another digest now is not.
        about: tuple[Subject, str] = ("contract", contract) if dot else ("keys", purpose)
        batch: Sequence[str] = ("",) * BATCH
        while len(batch) == BATCH:
            event = Event("sessions:ended", *about, operator, {"key": purpose}, told=bool(dot))
            with self.stores.change(event) as change:
                batch = change.sessions.end_resting(whose, by_key, Reason.KICKED_OUT, until, BATCH)
            ended += len(batch)
        return ended
