"""
The gate between a token that reads well and a user who may act.

Every contract passes here, so a rule about who may act is written once.
"""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.outcomes import Ends, NotRemembered, Outcome, Reason, session_over
from lingpai.vocabulary.values import Client, Sighting, Standing, Terms, User

URGENT_SECONDS = 5
"""A use so shortly before the session idles out is written at once, for after that it would not count."""


def may_enter(user: User, client: Client, terms: Terms, *, member: bool, at: int) -> bool:
    """
    Return whether *user* may sign in through *client* on *terms*, *at* that moment.

    Args:
        member: Whether the user belongs to any company.

    """
    if not user.enabled or not client.enabled or not client.speaks(terms.contract, at):
        return False
    if terms.entrance == "members":
        return member
    return terms.entrance in ("anyone", f"role:{user.role}")


@dataclass(frozen=True, slots=True)
class Admission:
    """
    Judges a standing as it was read.

    Args:
        from_memory: The standing was remembered, not read now: then idleness is
            not refused but asked again, since another worker may have seen the session.

    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.SESSION_OVER})

    clock: Clock
    from_memory: bool = False

    def check(
        self, standing: Standing | None, terms: Terms, company_id: int | None = None, *, at: int | None = None
    ) -> Standing:
        """
        Return *standing*: its session may be used on *terms* now (or *at*), for *company_id* if there is one.

        Raises:
            Refused: With SESSION_OVER and the first reason that holds of: unknown (also for
                a session of another contract), the session's own ending, expired, idle,
                left_company (*company_id*, or an enabled user's last one where only members come in),
                disabled (user, client, or no longer allowed in).

        """
        if standing is None or standing.session.contract != terms.contract:
            raise session_over(Reason.UNKNOWN)
        session, now = standing.session, self.clock() if at is None else at
        if session.ended is not None:
            raise session_over(session.end_reason or Reason.UNKNOWN)
        if now >= session.end:
            raise session_over(Reason.EXPIRED)
        if session.idle_end is not None and now >= session.idle_end:
            if self.from_memory:
                raise NotRemembered
            raise session_over(Reason.IDLE)
        if company_id is not None and standing.membership(company_id) is None:
            raise session_over(Reason.LEFT_COMPANY)
        if not may_enter(standing.user, standing.client, terms, member=bool(standing.memberships), at=now):
            left = terms.entrance == "members" and not standing.memberships and standing.user.enabled
            raise session_over(Reason.LEFT_COMPANY if left else Reason.DISABLED)
        return standing

    def sighting(self, standing: Standing, terms: Terms, *, at: int | None = None) -> Sighting | None:
        """
        Return what to write down of this use now (or *at*); None when the last was written less than an interval ago.

        The first use after the sign-in is always written where idleness counts: the end that
        the sign-in stored leaves no interval to spare.
        """
        session, now = standing.session, self.clock() if at is None else at
        if now - session.last_seen < terms.interval:
            is_first = session.idle_end is not None and session.last_seen == session.began < now
            if not is_first:
                return None
        is_urgent = session.idle_end is not None and session.idle_end - now < URGENT_SECONDS * SECOND
        return Sighting(session.id, now, terms.idle_end(now), is_urgent)
