"""
How a call can end, in our own words.

No number, status or sentence that a client sees is written here: a contract's
code table turns an outcome into those.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


class Outcome(Enum):
    """
    The closed list of endings.

    Whatever can end a call lists the members it may use as its `ENDS`, so a
    contract knows, when it is built, exactly which of them its code table has
    to spell.
    """

    # Every call looks its ending up; that of Enum is a function of Python's, ten times as slow.
    __hash__ = object.__hash__

    OK = auto()

    # What the shell and the pipeline can say of any request.
    UNREADABLE = auto()
    BODY_TOO_LARGE = auto()
    NO_SUCH_CALL = auto()
    WRONG_METHOD = auto()
    INTERNAL = auto()
    STORE_SILENT = auto()
    OVERLOADED = auto()

    # What a caller failed to prove.
    CREDENTIALS_MISSING = auto()
    CREDENTIALS_BAD = auto()
    TIMESTAMP_BAD = auto()
    CLIENT_REFUSED = auto()
    CLIENT_MISSING = auto()
    CLIENT_MISMATCHED = auto()
    CLIENT_UNKNOWN = auto()
    CLIENT_SECRET_WRONG = auto()
    CLIENT_NOT_SERVED = auto()
    SESSION_OVER = auto()
    TOKENS_RENEWED = auto()
    CODE_UNKNOWN = auto()
    CODE_EXPIRED = auto()
    CODE_OF_ANOTHER_CLIENT = auto()
    CODE_OF_ANOTHER_USER = auto()
    SCOPE_INSUFFICIENT = auto()

    # What an operation says.
    ARGUMENT_BAD = auto()
    SIGN_IN_FAILED = auto()
    TOO_MANY_ATTEMPTS = auto()
    TOO_MANY_DEVICES = auto()
    PASSWORD_TOO_WEAK = auto()
    NAME_TAKEN = auto()
    NOT_ALLOWED = auto()
    NOT_A_MEMBER = auto()
    NOT_MODIFIED = auto()
    NOTHING_THERE = auto()


@dataclass(frozen=True, slots=True)
class Ending:
    """
    A word that a module adds to the outcomes, for calls of its own.

    >>> Ending("repair", "taken").name
    'repair:taken'
    """

    module: str
    word: str

    @property
    def name(self) -> str:
        """The word as logs and complaints name it."""
        return f"{self.module}:{self.word}"


End = Outcome | Ending
"""How a call can end: one of ours, or a module's own."""

Ends = frozenset[End]
"""The endings that one part can bring about."""

Row = tuple[int, int | str | None, str, str | None, *tuple[End, ...]]
"""
A row of a code table: HTTP status, number, sentence in Chinese and in English, then the endings that it spells.

A module may leave the number to the contract (None). No English: the sentence is the same in every language.
"""


class Reason(Enum):
    """
    Why a session is over; the values are what the wire carries.

    Told only to whoever shows the right token of the ended session
    (contracts.md, section 0); everybody else hears `UNKNOWN`.
    """

    SIGNED_OUT = "signed_out"
    REPLACED = "replaced"
    KICKED_OUT = "kicked_out"
    IDLE = "idle"
    EXPIRED = "expired"
    PASSWORD_CHANGED = "password_changed"
    DISABLED = "disabled"
    LEFT_COMPANY = "left_company"
    REFRESH_REUSED = "refresh_reused"
    UNKNOWN = "unknown"


class Refused(Exception):
    """
    A call that ends in anything but `Outcome.OK`.

    Args:
        outcome: Which ending.
        why: For the log only; never reaches the wire, and never holds a secret.
        reason: With `SESSION_OVER`, why the session is over.
        retry_after: Seconds after which another try is worthwhile.
        fields: With `ARGUMENT_BAD`, the argument's name and what is wrong with it,
            as (Chinese, English).
        data: What the answer carries all the same (`TOKENS_RENEWED`).
        headers: Answer headers that this ending brings (`NOT_MODIFIED`: its ETag).

    """

    def __init__(
        self,
        outcome: End,
        why: str = "",
        *,
        reason: Reason | None = None,
        retry_after: int | None = None,
        fields: Mapping[str, tuple[str, str]] | None = None,
        data: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(why or outcome.name)
        self.outcome = outcome
        self.reason = reason
        self.retry_after = retry_after
        self.fields = fields or {}
        self.data = data
        self.headers = headers or {}


def session_over(reason: Reason, why: str = "") -> Refused:
    """Return the refusal that asks to sign in again, with its *reason*."""
    return Refused(Outcome.SESSION_OVER, why or reason.value, reason=reason)


class NotRemembered(BaseException):
    """
    Memory does not hold what was asked for: run the same call again with the real stores.

    Derives from `BaseException` so that no `except Exception` on the way swallows it.
    Raised by what answers from memory, caught by the shell (`edge/asgi.py`) alone.
    """
