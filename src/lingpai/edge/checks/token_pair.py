"""
Which of two tokens a call has to show, and what happens when the first is over (oppmg).

An access token that has expired beside a refresh token that lives ends the call with a new pair.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from lingpai.edge.call import Call, Members
from lingpai.edge.carriers import Carrier
from lingpai.edge.contract import Step
from lingpai.edge.describing import Asked
from lingpai.edge.schemes.scheme import Scheme
from lingpai.edge.schemes.token_pair import PairAnswer, is_expired
from lingpai.edge.steps import visitor
from lingpai.operations.renew import PairShown, Renew
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused, session_over

SHOWN: Ends = frozenset({Outcome.CREDENTIALS_MISSING, Outcome.CREDENTIALS_BAD, Outcome.SESSION_OVER})


@dataclass(frozen=True, slots=True)
class Shown:
    """A place where a token of the pair travels, and how it reads."""

    carrier: Carrier
    scheme: Scheme

    def asked(self) -> Asked:
        """Return the place, for whoever describes it."""
        return self.carrier.asked(self.scheme.schema())

    def read(self, call: Call) -> Members:
        """
        Return the verified claims of the token; whether it has expired is not judged.

        Raises:
            Refused: With CREDENTIALS_MISSING or CREDENTIALS_BAD.

        """
        token = self.carrier.read(call)
        if token is None:
            raise Refused(Outcome.CREDENTIALS_MISSING, "no token")
        return self.scheme.read(token, call)

    def read_living(self, call: Call) -> Members:
        """
        Return the verified claims of a token that has not expired.

        Raises:
            Refused: As `read` does, else with SESSION_OVER when it has expired: the reason
                is why its session was ended, where it was, else expired.

        """
        claims = self.read(call)
        if is_expired(claims, call):
            raise self.over(claims, call)
        return claims

    def over(self, claims: Members, call: Call) -> Refused:
        """Return the ending of a call whose token is right and has expired."""
        call.claims = claims
        standing = self.scheme.find(call)
        ended = standing.session.end_reason if standing is not None else None
        return session_over(ended or Reason.EXPIRED, "the token has expired")


@dataclass(frozen=True, slots=True)
class AccessShown(Step):
    """
    The access token is right and lives; a refresh token, even a bad one, is not looked at.

    One that has expired wants a living refresh token of the same session beside it: the call
    is not made then, and ends TOKENS_RENEWED with the pair that *answer* writes.
    """

    ENDS: ClassVar[Ends] = SHOWN | Renew.ENDS | {Outcome.TOKENS_RENEWED}
    ACTS: ClassVar[bool] = True

    access: Shown
    refresh: Shown
    answer: PairAnswer

    def asked(self) -> tuple[Asked, ...]:
        return self.access.asked(), replace(self.refresh.asked(), required=False)

    def carried(self) -> Mapping[Outcome, Callable[..., Any]]:
        return {Outcome.TOKENS_RENEWED: self.answer.renewed}

    def __call__(self, call: Call) -> None:
        claims = self.access.read(call)
        if is_expired(claims, call):
            raise self._renewed(claims, call)
        call.claims = claims

    def _renewed(self, expired: Members, call: Call) -> Refused:
        if self.refresh.carrier.read(call) is None:
            return self.access.over(expired, call)
        claims = self.refresh.read_living(call)
        if claims["sid"] != expired["sid"]:
            return Refused(Outcome.CREDENTIALS_BAD, "the tokens are of two sessions")
        shown = PairShown(claims["sid"], claims["generation"], claims["company_id"])
        renewed = call.desk.operation(Renew)(visitor(call), shown)
        return Refused(Outcome.TOKENS_RENEWED, data=self.answer.renewed(renewed, call))


@dataclass(frozen=True, slots=True)
class RefreshShown(Step):
    """The refresh token is right and lives, and the call's arguments are what it claims."""

    ENDS: ClassVar[Ends] = SHOWN
    FILLS_ARGUMENTS: ClassVar[bool] = True

    refresh: Shown

    def asked(self) -> tuple[Asked, ...]:
        return (self.refresh.asked(),)

    def __call__(self, call: Call) -> None:
        call.claims = call.arguments = self.refresh.read_living(call)


@dataclass(frozen=True, slots=True)
class EitherShown(Step):
    """The access token is right and lives, or else the refresh token."""

    ENDS: ClassVar[Ends] = SHOWN

    access: Shown
    refresh: Shown

    def asked(self) -> tuple[Asked, ...]:
        either = (self.access.asked(), self.refresh.asked())
        return tuple(replace(each, required=False, instead="pair") for each in either)

    def __call__(self, call: Call) -> None:
        try:
            call.claims = self.access.read_living(call)
        except Refused:
            if self.refresh.carrier.read(call) is None:
                raise
            call.claims = self.refresh.read_living(call)
