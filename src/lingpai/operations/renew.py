"""
Renew a pair of tokens by its refresh token, as often as the answer gets lost.

The first to show a refresh token makes the next pair; whoever shows it again within the
grace gets the newest pair of the session, the same to the byte. Shown after the grace it was stolen.
"""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.principals.admission import Admission
from lingpai.principals.keys import Keyring
from lingpai.stores.interfaces import Change, Stores
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Reason, session_over
from lingpai.vocabulary.values import Generation, Standing, Terms


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

    def successor(self, newest: Generation, company_id: int, terms: Terms) -> Generation:
        """Return the pair after *newest*, speaking for *company_id*; it is not kept yet."""
        key = self.keys.current(f"{terms.contract}.pair")
        return Generation(newest.session_id, newest.number + 1, company_id, self.clock() // SECOND, key.id)

    def is_within_grace(self, pair: Generation, terms: Terms) -> bool:
        """Return whether *pair* was not exchanged yet, or only just."""
        grace = terms.pair.grace * SECOND if terms.pair else 0
        return pair.exchanged is None or self.clock() <= pair.exchanged + grace


@dataclass(frozen=True, slots=True)
class Renew:
    """Exchange a refresh token for the newest pair of its session."""

    ENDS: ClassVar[Ends] = Admission.ENDS
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    admission: Admission
    rotation: Rotation

    def __call__(self, terms: Terms, shown: PairShown) -> Renewed:
        """
        Return the newest pair.

        Raises:
            Refused: With SESSION_OVER: what admission says; unknown for a pair that is not
                kept or was set aside; refresh_reused for one shown after the grace, where
                the client's `refresh_reuse` does not say "allow".

        """
        standing = self._admitted(self.stores.sessions.standing_of(shown.session_id), terms, shown)
        pair = self.stores.generations.find(shown.session_id, shown.number)
        if pair is not None and pair.exchanged is None and not pair.set_aside:
            renewed = self._exchange(terms, shown)
            if renewed is not None:
                return renewed
            pair = self.stores.generations.find(shown.session_id, shown.number)
        newest = self.stores.generations.newest(shown.session_id)
        if pair is None or newest is None or pair.set_aside:
            raise session_over(Reason.UNKNOWN, "the pair is not kept, or was set aside")
        if not self.rotation.is_within_grace(pair, terms) and standing.client.refresh_reuse != "allow":
            raise self._reused(standing, shown)
        return Renewed(standing, newest)

    def _exchange(self, terms: Terms, shown: PairShown) -> Renewed | None:
        """Make the next pair; None when somebody else did meanwhile."""
        event = Event("session:renewed", "session", shown.session_id, detail={"shown": shown.number}, told=False)
        try:
            with self.stores.change(event) as change:
                standing = self._admitted(change.sessions.standing_of(shown.session_id), terms, shown)
                return Renewed(standing, self._next_pair(change, terms, shown))
        except _Outrun:
            return None

    def _next_pair(self, change: Change, terms: Terms, shown: PairShown) -> Generation:
        if not change.generations.claim(shown.session_id, shown.number, self.rotation.clock()):
            raise _Outrun
        newest = change.generations.newest(shown.session_id)
        if newest is None or newest.number != shown.number:
            raise _Outrun
        successor = self.rotation.successor(newest, shown.company_id, terms)
        change.generations.add(successor)
        return successor

    def _admitted(self, standing: Standing | None, terms: Terms, shown: PairShown) -> Standing:
        return self.admission.check(standing, terms, shown.company_id or None)

    def _reused(self, standing: Standing, shown: PairShown) -> BaseException:
        """Write down that a refresh token was used again, end its session if told to; return the ending."""
        ends = standing.client.refresh_reuse == "revoke"
        detail = {"shown": shown.number, "user": standing.user.id}
        event = Event("session:refresh-reused", "session", shown.session_id, detail=detail, told=ends)
        with self.stores.change(event) as change:
            if ends:
                change.sessions.end(shown.session_id, Reason.REFRESH_REUSED, self.rotation.clock())
        return session_over(Reason.REFRESH_REUSED if ends else Reason.UNKNOWN)


class _Outrun(Exception):
    """Another call exchanged the pair first."""
