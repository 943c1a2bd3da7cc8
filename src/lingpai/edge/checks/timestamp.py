"""The caller's clock, and the number that follows from it (zhiyun 3: `t_` and `p_`)."""

import re
from dataclasses import dataclass
from typing import ClassVar

from lingpai.edge.call import Call
from lingpai.edge.contract import Step
from lingpai.edge.describing import Asked
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.likeness import like, schema_like
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused

_TIME = re.compile("[0-9]{10,19}")
_NUMBER = re.compile("[0-9]{1,10}")


_TIME_SCHEMA = {
    "type": "string",
    "pattern": f"^{_TIME.pattern}$",
    **schema_like(like("1422339152058", "当前时间(毫秒，秒亦可)", "the time, in milliseconds; seconds will do")),
}
_NUMBER_SCHEMA = {
    "type": "string",
    "pattern": f"^{_NUMBER.pattern}$",
    **schema_like(like("8519", "(t_ % 10000) * 3 + 2345", "(t_ % 10000) * 3 + 2345")),
}


def number_of(time: int) -> int:
    """
    Return the `p_` that belongs to the `t_` *time*. It is no secret: it catches slips, not attacks.

    >>> number_of(1422339152058), number_of(1700000000000), number_of(1700000009999)
    (8519, 2345, 32342)
    """
    return time % 10000 * 3 + 2345


@dataclass(frozen=True, slots=True)
class FreshTimestamp(Step):
    """
    `t_` and `p_` are there, belong together, and `t_` is no more than *seconds* from our clock.

    The first ten digits of `t_` are the seconds, so that milliseconds are as good as seconds.
    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.TIMESTAMP_BAD})

    seconds: int

    def asked(self) -> tuple[Asked, ...]:
        return (
            Asked(place="argument", name="t_", schema=_TIME_SCHEMA),
            Asked(place="argument", name="p_", schema=_NUMBER_SCHEMA),
        )

    def __call__(self, call: Call) -> None:
        time, number = str(call.arguments.get("t_")), str(call.arguments.get("p_"))
        if not _TIME.fullmatch(time) or not _NUMBER.fullmatch(number):
            raise Refused(Outcome.TIMESTAMP_BAD, "t_ or p_ is missing or malformed")
        if number_of(int(time)) != int(number):
            raise Refused(Outcome.TIMESTAMP_BAD, "p_ does not belong to t_")
        if abs(int(time[:10]) - call.now // SECOND) > self.seconds:
            raise Refused(Outcome.TIMESTAMP_BAD, "t_ is too far from our clock")
