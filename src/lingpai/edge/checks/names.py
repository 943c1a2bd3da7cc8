"""Whose token it is, in the caller's own words (mowork: `X-Username`)."""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import unquote

from lingpai.edge.call import Call
from lingpai.edge.carriers import Argument, Header
from lingpai.edge.contract import Step
from lingpai.principals.names import name_key
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused


@dataclass(frozen=True, slots=True)
class Named(Step):
    """
    The caller says whose token it is: in a header (UTF-8, percent-encoded or not), else in an argument.

    Placed before the session is looked up it wants a name; `NameMatches` compares it.
    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.CREDENTIALS_MISSING, Outcome.CREDENTIALS_BAD})

    header: str
    argument: str

    def __call__(self, call: Call) -> None:
        name = Header(self.header).read(call)
        name = unquote(name) if name else Argument(self.argument).read(call)
        if not name:
            raise Refused(Outcome.CREDENTIALS_MISSING, "no user name")
        call.claims = {**call.claims, "name": name}


class NameMatches(Step):
    """The session that was found belongs to the user who was named."""

    __slots__ = ()
    ENDS: ClassVar[Ends] = frozenset({Outcome.CREDENTIALS_BAD})

    def __call__(self, call: Call) -> None:
        if call.standing is not None and call.standing.user.name_key != name_key(call.claims["name"]):
            raise Refused(Outcome.CREDENTIALS_BAD, "the token is another user's")
