"""The short-lived code that a client asks about a user with (zhiyun 6.2, 6.3)."""

from dataclasses import dataclass
from typing import ClassVar

from msgspec.structs import replace

from lingpai.edge.call import Call
from lingpai.edge.carriers import Carrier
from lingpai.edge.contract import Step
from lingpai.edge.describing import TEXT, Asked
from lingpai.edge.rest import called
from lingpai.principals.keys import found_by_digest
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import AuthCode


@dataclass(frozen=True, slots=True)
class CodeHeld(Step):
    """
    The code is alive, opens this call, and was given to this client for this user.

    Placed after admission. It ends with the first that holds of: no such code, or the session that it
    was made in is over (CODE_UNKNOWN); over (CODE_EXPIRED; its last second still counts); not for this
    call (SCOPE_INSUFFICIENT); another client's; another user's. After it the call
    speaks for the company that was current when the code was made.
    """

    ENDS: ClassVar[Ends] = frozenset(
        {
            Outcome.CODE_UNKNOWN,
            Outcome.CODE_EXPIRED,
            Outcome.SCOPE_INSUFFICIENT,
            Outcome.CODE_OF_ANOTHER_CLIENT,
            Outcome.CODE_OF_ANOTHER_USER,
        }
    )

    carrier: Carrier

    def asked(self) -> tuple[Asked, ...]:
        return (self.carrier.asked(TEXT),)

    def __call__(self, call: Call) -> None:
        caller, route = call.caller, call.route
        assert caller is not None  # noqa: S101 - `Admitted` stands before it
        assert route is not None  # noqa: S101 - and `Routed`
        code = found_by_digest(call.desk.keys, self.carrier.read(call) or "", call.desk.codes.find)
        if code is None or (code.session_id != caller.session.id and not _is_session_alive(code, call)):
            raise Refused(Outcome.CODE_UNKNOWN, "no such code, or its session is over")
        if call.now // SECOND > code.end // SECOND:
            raise Refused(Outcome.CODE_EXPIRED)
        if called(route.path).isdisjoint(code.scope):
            raise Refused(Outcome.SCOPE_INSUFFICIENT, "the code does not open this call")
        if code.client_id != caller.client.id:
            raise Refused(Outcome.CODE_OF_ANOTHER_CLIENT)
        if code.user_id != caller.user.id:
            raise Refused(Outcome.CODE_OF_ANOTHER_USER)
        call.caller = replace(caller, company_id=code.company_id)


def _is_session_alive(code: AuthCode, call: Call) -> bool:
    """Return whether the session that *code* was made in, which is not the caller's own, may still be used."""
    standing = call.desk.sessions.standing_of(code.session_id)
    try:
        call.desk.admission.check(standing, call.contract.terms)
    except Refused:
        return False
    return True
