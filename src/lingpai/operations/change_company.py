"""Switch to another company: a rotation whose new pair speaks for it."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.operations.renew import Renewed, Rotation
from lingpai.principals.admission import Admission
from lingpai.stores.interfaces import Change, Stores
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.likeness import CompanyId
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused, session_over
from lingpai.vocabulary.values import Caller, Generation


@dataclass(frozen=True, slots=True)
class CompanyChosen:
    """Where to."""

    company_id: CompanyId


@dataclass(frozen=True, slots=True)
class ChangeCompany:
    """
    Give the caller a pair for another company, and remember it as the one they work in.

    The refresh token that was shown gives the new pair within the grace. Asked again for the
    same company, by whoever still holds the older access token, the same pair is the answer; for
    another, a further pair is made and the one between is set aside: the last one wins.
    """

    TITLE: ClassVar[tuple[str, str]] = ("切换公司", "Switch to another company")
    ENDS: ClassVar[Ends] = Admission.ENDS | {Outcome.NOT_A_MEMBER}
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    admission: Admission
    rotation: Rotation

    def __call__(self, caller: Caller, asked: CompanyChosen) -> Renewed:
        """
        Return the new pair.

        Raises:
            Refused: With SESSION_OVER when admission says so inside the change, else with
                NOT_A_MEMBER, also for a company that does not exist.

        """
        event = Event(
            "session:company-changed",
            "user",
            str(caller.user.id),
            caller.actor,
            {"session": caller.session.id, "company": asked.company_id},
        )
        with self.stores.change(event) as change:
            change.accounts.lock(caller.user.id)
            kept = change.sessions.standing_of(caller.session.id)
            standing = self.admission.check(kept, caller.terms, caller.company_id)
            if standing.membership(asked.company_id) is None:
                raise Refused(Outcome.NOT_A_MEMBER)
            pair = self._pair(change, caller, asked.company_id)
            change.accounts.set_company(caller.user.id, asked.company_id)
            change.sessions.set_company(caller.session.id, asked.company_id)
            return Renewed(standing, pair)

    def _pair(self, change: Change, caller: Caller, company_id: int) -> Generation:
        shown = change.generations.find(caller.session.id, caller.generation)
        newest = change.generations.newest(caller.session.id)
        while shown is not None and newest is not None and newest.exchanged is None:
            if newest.number != shown.number and newest.company_id == company_id:
                return newest
            successor = self.rotation.add_successor(change, newest, company_id, caller.terms)
            if successor is not None:
                if newest.number != shown.number:
                    change.generations.set_aside(newest.session_id, newest.number)
                return successor
            # Another transaction exchanged it between the two statements: look at what that made.
            newest = change.generations.newest(caller.session.id)
        raise session_over(Reason.UNKNOWN, "the pair is not kept")
