"""Rotate a working key: a new one is used from now on, and nobody is signed out."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.principals.keys import Keyring
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused


@dataclass(frozen=True, slots=True)
class RotateKey:
    """Add a key for a purpose. What was made with the one before stays good (see `principals.retiring`)."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    keys: Keyring

    def __call__(self, operator: str, purpose: str) -> None:
        """
        Announce the new key; every worker uses it from two seconds later.

        Raises:
            Refused: With NOTHING_THERE when there is no key for that purpose.

        """
        with self.stores.change(Event("key:rotated", "keys", purpose, operator)) as change:
            if not change.keys.lock(purpose):
                raise Refused(Outcome.NOTHING_THERE, f"no key for {purpose}")
            self.keys.add(change.keys, purpose)
        self.keys.prepare(purpose)
