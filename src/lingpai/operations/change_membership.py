"""Let users join companies and leave them."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused


@dataclass(frozen=True, slots=True)
class MembershipAsked:
    """Who, where, and as what."""

    user_id: int
    company_id: int
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class JoinCompany:
    """Make a user a member of a company; their first one is the one that they work in."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores

    def __call__(self, operator: str, asked: MembershipAsked) -> None:
        """
        Make it so.

        Raises:
            Refused: With NOTHING_THERE, when there is no such user or company.

        """
        with self.stores.change(_event("joined", operator, asked)) as change:
            user = change.accounts.lock(asked.user_id)
            if user is None or change.companies.by_id(asked.company_id) is None:
                raise Refused(Outcome.NOTHING_THERE, f"no user {asked.user_id}, or no company {asked.company_id}")
            change.companies.join(asked.user_id, asked.company_id, is_admin=asked.is_admin)
            if user.company_id is None:
                change.accounts.set_company(asked.user_id, asked.company_id)


@dataclass(frozen=True, slots=True)
class LeaveCompany:
    """End a membership, and the sessions that speak for that company."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    clock: Clock

    def __call__(self, operator: str, asked: MembershipAsked) -> None:
        """
        Make it so; the user works in another of their companies then, or in none.

        Raises:
            Refused: With NOTHING_THERE, when the user is no member.

        """
        with self.stores.change(_event("left", operator, asked)) as change:
            user = change.accounts.lock(asked.user_id)
            if not change.companies.leave(asked.user_id, asked.company_id):
                raise Refused(Outcome.NOTHING_THERE, f"user {asked.user_id} is no member of {asked.company_id}")
            if user is not None and user.company_id == asked.company_id:
                others = change.companies.memberships(asked.user_id)
                change.accounts.set_company(asked.user_id, others[0].company_id if others else None)
            change.sessions.end_in_company(asked.user_id, asked.company_id, Reason.LEFT_COMPANY, self.clock())


def _event(done: str, operator: str, asked: MembershipAsked) -> Event:
    detail = {"company": asked.company_id, "is_admin": int(asked.is_admin)}
    return Event(f"membership:{done}", "user", str(asked.user_id), operator, detail)
