"""
The server's time, handed back by the client (mowork: `req_timestamp` is the last `resTimestamp`).

Written `YYYY-MM-DD HH:MM:SS:mmm` in UTC: 23 characters, a colon before the milliseconds.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar

from lingpai.edge.call import Call
from lingpai.edge.contract import Step
from lingpai.edge.describing import Asked, Schema
from lingpai.vocabulary.clock import SECOND, local_time
from lingpai.vocabulary.likeness import like, schema_like
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused

_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}:[0-9]{3}")


SERVER_TIME: Schema = {
    "type": "string",
    "pattern": f"^{_TEXT.pattern}$",
    **schema_like(like("2017-07-26 23:02:56:336", "服务器上次返回的时间(UTC)", "the time told last (UTC)")),
}


def write_server_time(milliseconds: int) -> str:
    """
    Return the moment as text.

    >>> write_server_time(1501110176336)
    '2017-07-26 23:02:56:336'
    """
    return f"{local_time(milliseconds, UTC)}:{milliseconds % SECOND:03}"


def read_server_time(text: str) -> int | None:
    """
    Return the milliseconds since 1970 that *text* names, or None where it is malformed.

    >>> read_server_time("2017-07-26 23:02:56:336")
    1501110176336
    """
    if not _TEXT.fullmatch(text):
        return None
    try:
        return _seconds(text[:19]) * SECOND + int(text[20:])
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class TimeShown(Step):
    """The member is there and well-formed: it is one of the three values that every call must carry."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.CREDENTIALS_MISSING, Outcome.CREDENTIALS_BAD})

    member: str

    def asked(self) -> tuple[Asked, ...]:
        return (Asked(place="body", name=self.member, schema=SERVER_TIME),)

    def __call__(self, call: Call) -> None:
        text = call.body.get(self.member)
        if text is None or text == "":
            raise Refused(Outcome.CREDENTIALS_MISSING, f"no {self.member}")
        shown = read_server_time(text) if isinstance(text, str) else None
        if shown is None:
            raise Refused(Outcome.CREDENTIALS_BAD, f"{self.member} is malformed")
        call.claims = {**call.claims, "time": shown}


@dataclass(frozen=True, slots=True)
class NoTimeYet(Step):
    """The member may be missing or empty, since no answer has told a time yet; else it is well-formed."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.ARGUMENT_BAD})

    member: str

    def asked(self) -> tuple[Asked, ...]:
        empty_too = {**SERVER_TIME, "pattern": f"^(?:{_TEXT.pattern})?$"}
        return (Asked(place="body", name=self.member, schema=empty_too, required=False),)

    def __call__(self, call: Call) -> None:
        text = call.body.get(self.member)
        if text not in (None, "") and (not isinstance(text, str) or read_server_time(text) is None):
            wrong = ("格式不正确", "is malformed")
            raise Refused(Outcome.ARGUMENT_BAD, f"{self.member} is malformed", fields={self.member: wrong})


@dataclass(frozen=True, slots=True)
class TimeWithin(Step):
    """
    The time that `TimeShown` has read is one that the server can have told this session.

    Not before the session began and not in the future, each less *window_seconds*; or under
    *latest*, exactly the last one told: it is exchanged for the next, so that of two
    calls with one time one is refused.
    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.TIMESTAMP_BAD})
    ACTS: ClassVar[bool] = True

    window_seconds: int
    latest: bool

    def __call__(self, call: Call) -> None:
        shown, standing = call.claims["time"], call.standing
        assert standing is not None  # noqa: S101 - `Admitted` stands before it
        if self.latest:
            fresh = max(call.now, shown + 1)
            if not call.desk.issue(standing.session.id, shown, fresh):
                raise Refused(Outcome.TIMESTAMP_BAD, "not the last time told")
            call.issued = fresh
            return
        window = self.window_seconds * SECOND
        if not standing.session.began - window <= shown <= call.now + window:
            raise Refused(Outcome.TIMESTAMP_BAD, "not a time that this session can have been told")

    def check_elsewhere(self) -> None:
        """
        Make sure that a call may be answered by somebody else.

        Raises:
            ValueError: Under *latest* each answer hands out the next time, which only we know.

        """
        if self.latest:
            raise ValueError('timestamp = "latest" wants every answer to come from here; set it to "window"')
