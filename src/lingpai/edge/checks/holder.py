"""Whose token it is, by the holder's id (twokeys: `user_id` beside `user_token`)."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.edge.call import Call
from lingpai.edge.carriers import Carrier, asked_in, read_one
from lingpai.edge.contract import Step
from lingpai.edge.describing import Asked
from lingpai.vocabulary.likeness import like, schema_like
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused, session_over


@dataclass(frozen=True, slots=True)
class HolderNamed(Step):
    """The caller says whose token it is. Stands behind `Identified`; `HolderMatches` compares."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.CREDENTIALS_MISSING, Outcome.CREDENTIALS_BAD})

    carriers: tuple[Carrier, ...]

    def asked(self) -> tuple[Asked, ...]:
        words = like("1", "用户编号", "the user's id")
        return asked_in(self.carriers, {"type": ["string", "integer"], **schema_like(words)})

    def __call__(self, call: Call) -> None:
        user_id = read_one(self.carriers, call)
        if user_id is None:
            raise Refused(Outcome.CREDENTIALS_MISSING, "no user id")
        call.claims = {**call.claims, "user_id": user_id}


class HolderMatches(Step):
    """The session that was found belongs to the user who was named; another's is as good as none."""

    __slots__ = ()
    ENDS: ClassVar[Ends] = frozenset({Outcome.SESSION_OVER})

    def __call__(self, call: Call) -> None:
        if call.standing is None or str(call.standing.user.id) != call.claims["user_id"]:
            raise session_over(Reason.UNKNOWN, "no such token, or another user's")
