"""
Renew a pair of tokens by its refresh token, as often as the answer gets lost.

The first to show a refresh token makes the next pair; whoever shows it again within the
grace gets the newest pair of the session, the same to the byte. Shown after the grace it was stolen.
"""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.principals.admission import Admission
from lingpai.principals.keys import Keyring
from lingpai.principals.rates import Rate, unlimited
from lingpai.stores.interfaces import Change, Stores
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused, session_over
from lingpai.vocabulary.values import Generation, Standing, Terms, Visitor


@dataclass(frozen=True, slots=True)
class PairShown:
    """Which pair a refresh token, already verified, belongs to; *company_id* is 0 for none."""

    session_id: str
    number: int
    company_id: int


@dataclass(frozen=True, slots=True)
class Renewed:
    """The newest pair of a session."""

    standing: Standing
    pair: Generation


@dataclass(frozen=True, slots=True)
class Rotation:
    """Makes the next pair of a session: what renewing and changing the company share."""

    keys: Keyring
    clock: Clock

    def add_successor(self, change: Change, newest: Generation, company_id: int, terms: Terms) -> Generation | None:
        """
        Make the pair after *newest*, speaking for *company_id*, and return it; None when *newest* is not the newest.

        Whoever claims the newest pair makes its successor, so no two calls make the same one, on any engine.
        """
        if not change.generations.claim(newest.session_id, newest.number, self.clock()):
            return None
        key = self.keys.current(f"{terms.contract}.pair")
        successor = Generation(newest.session_id, newest.number + 1, company_id, self.clock() // SECOND, key.id)
        change.generations.add(successor)
        return successor

    def is_within_grace(self, moment: int, terms: Terms) -> bool:
        """Return whether *moment* (milliseconds) is no longer ago than the grace."""
        grace = terms.pair.grace * SECOND if terms.pair else 0
        return self.clock() <= moment + grace


@dataclass(frozen=True, slots=True)
class Renew:
    """Exchange a refresh token for the newest pair of its session."""

    TITLE: ClassVar[tuple[str, str]] = ("刷新令牌", "Renew the pair of tokens")
    ENDS: ClassVar[Ends] = Admission.ENDS | {Outcome.TOO_MANY_ATTEMPTS}
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    admission: Admission
    rotation: Rotation
    rate: Rate = unlimited

    def __call__(self, visitor: Visitor, shown: PairShown) -> Renewed:
        """
        Return the newest pair.

        Raises:
            Refused: With TOO_MANY_ATTEMPTS for one call too many; else with SESSION_OVER: what admission
                says; unknown for a pair that is not kept or was set aside; refresh_reused for one shown after the
                grace, or unknown where
                the client's `refresh_reuse` says "refuse". Where it says "allow", a pair shown after
                the grace counts as if it had not been exchanged.

        """
        self.rate("refresh", visitor)
        terms = visitor.terms
        standing = self._admitted(self.stores.sessions.standing_of(shown.session_id), terms, shown)
        pair, newest = self._kept(shown)
        if pair.exchanged is None:
            renewed = self._exchange(standing, terms, shown, pair)
            if renewed is not None:
                return renewed
            pair, newest = self._kept(shown)
        if pair.exchanged is None or self.rotation.is_within_grace(pair.exchanged, terms):
            return Renewed(standing, newest)
        if standing.client.refresh_reuse != "allow":
            raise self._reused(standing, shown)
        # Parallel calls share a pair here too: one that was made just now is given again.
        if self.rotation.is_within_grace(newest.issued * SECOND, terms):
            return Renewed(standing, newest)
        return self._exchange(standing, terms, shown, newest) or Renewed(standing, self._kept(shown)[1])

    def _kept(self, shown: PairShown) -> tuple[Generation, Generation]:
        """Return the pair that was shown, and the newest of its session."""
        pair = self.stores.generations.find(shown.session_id, shown.number)
        newest = self.stores.generations.newest(shown.session_id)
        if pair is None or newest is None or pair.set_aside:
            raise session_over(Reason.UNKNOWN, "the pair is not kept, or was set aside")
        return pair, newest

    def _exchange(self, read: Standing, terms: Terms, shown: PairShown, newest: Generation) -> Renewed | None:
        """Make the pair after *newest*; None when somebody else did meanwhile."""
        actor, detail = f"user:{read.user.id}", {"shown": shown.number}
        event = Event("session:renewed", "session", shown.session_id, actor, detail, told=False)
        try:
            with self.stores.change(event) as change:
                standing = self._admitted(change.sessions.standing_of(shown.session_id), terms, shown)
                return Renewed(standing, self._successor(change, terms, newest))
        except _Outrun:
            return None

    def _successor(self, change: Change, terms: Terms, newest: Generation) -> Generation:
        successor = self.rotation.add_successor(change, newest, newest.company_id, terms)
        if successor is None:
            raise _Outrun
        return successor

    def _admitted(self, standing: Standing | None, terms: Terms, shown: PairShown) -> Standing:
        return self.admission.check(standing, terms, shown.company_id or None)

    def _reused(self, standing: Standing, shown: PairShown) -> Refused:
        """Write down that a refresh token was used again, end its session if told to; return the ending."""
        ends = standing.client.refresh_reuse == "revoke"
        detail = {"shown": shown.number, "user": standing.user.id}
        event = Event("session:refresh-reused", "session", shown.session_id, detail=detail, told=ends)
        with self.stores.change(event) as change:
            if ends:
                change.sessions.end(shown.session_id, Reason.REFRESH_REUSED, self.rotation.clock())
        return session_over(Reason.REFRESH_REUSED if ends else Reason.UNKNOWN, "a refresh token was used again")


class _Outrun(Exception):
    """Another call exchanged the pair first: nothing of this change shall be true."""
