"""Whose token it is, in the caller's own words (mowork: `X-Username`)."""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import unquote

from lingpai.edge.call import Call
from lingpai.edge.carriers import Argument, Header, asked_in
from lingpai.edge.contract import Step
from lingpai.edge.describing import TEXT, Asked
from lingpai.principals.names import name_key
from lingpai.vocabulary.likeness import like, schema_like
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused, session_over


@dataclass(frozen=True, slots=True)
class Named(Step):
    """
    The caller says whose token it is: in a header (UTF-8, percent-encoded or not), else in an argument.

    Placed before the session is looked up it wants a name; `NameMatches` compares it.
    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.CREDENTIALS_MISSING, Outcome.CREDENTIALS_BAD})

    header: Header
    argument: Argument

    def asked(self) -> tuple[Asked, ...]:
        words = like("lilei", "用户名，UTF-8，可用百分号编码", "the user's name, in UTF-8, percent-encoded or not")
        return asked_in((self.header, self.argument), {**TEXT, **schema_like(words)})

    def __call__(self, call: Call) -> None:
        shown = self.header.read(call)
        name = shown or self.argument.read(call)
        if not name:
            raise Refused(Outcome.CREDENTIALS_MISSING, "no user name")
        # A name may itself hold what looks like percent-encoding, so both readings count.
        call.claims = {**call.claims, "names": {name, unquote(name)} if shown else {name}}


class NameMatches(Step):
    """
    The session that was found belongs to the user who was named.

    Refuses as `Admitted` refuses an unknown token, so that whoever found a token cannot try names on it.
    """

    __slots__ = ()
    ENDS: ClassVar[Ends] = frozenset({Outcome.SESSION_OVER})

    def __call__(self, call: Call) -> None:
        standing = call.standing
        if standing is not None and standing.user.name_key not in map(name_key, call.claims["names"]):
            raise session_over(Reason.UNKNOWN, "the token is another user's")
