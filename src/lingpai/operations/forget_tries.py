"""Forget how often somebody's password was tried: what an operator does for a user who is told to wait."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.principals.passwords.trials import PasswordTrials
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends
from lingpai.vocabulary.values import User


@dataclass(frozen=True, slots=True)
class ForgetTries:
    """Forget all tries for every name of a user. Which networks are theirs is forgotten too."""

    ENDS: ClassVar[Ends] = frozenset()
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    trials: PasswordTrials

    def __call__(self, operator: str, user: User) -> int:
        """Return how many networks were forgotten."""
        with self.stores.change(Event("user:tries-forgotten", "user", str(user.id), operator, told=False)) as change:
            return sum(change.tries.forget(digest) for digest in self.trials.digests(user).values())
