"""Say that the machine's clock is right, after it had been ahead: what an operator does before starting again."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends


@dataclass(frozen=True, slots=True)
class TrustClock:
    """
    Forget the latest time seen.

    .. danger::

        Done while the clock is behind, it revives what has expired since. Done while a worker
        runs, it is undone within a minute: each remembers the time itself, and keeps it,
        also when it stops. So nobody who runs is told: whoever had not heard yet would undo it.

    """

    ENDS: ClassVar[Ends] = frozenset()
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores

    def __call__(self, operator: str, _question: None = None) -> None:
        with self.stores.change(Event("clock:trusted", "everything", "", operator)) as change:
            change.moments.start_again()
