"""How a call ended, in one word for all contracts, and why a session is over."""

from enum import StrEnum


class Outcome(StrEnum):
    """
    The words of `LingpaiError.outcome`.

    The server has more of them: what a caller would treat alike has one word here.
    """

    OK = "ok"
    RENEWED = "renewed"
    SESSION_OVER = "session_over"
    SIGN_IN_FAILED = "sign_in_failed"
    ARGUMENT_BAD = "argument_bad"
    UNREADABLE = "unreadable"
    NAME_TAKEN = "name_taken"
    NOT_A_MEMBER = "not_a_member"
    NOT_ALLOWED = "not_allowed"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    TOO_MANY_DEVICES = "too_many_devices"
    PASSWORD_TOO_WEAK = "password_too_weak"
    NO_SUCH_CALL = "no_such_call"
    WRONG_METHOD = "wrong_method"
    BODY_TOO_LARGE = "body_too_large"
    NOT_MODIFIED = "not_modified"
    NOTHING_THERE = "nothing_there"
    TIMESTAMP_BAD = "timestamp_bad"
    CLIENT_REFUSED = "client_refused"
    CODE_SPENT = "code_spent"
    BUSY = "busy"
    INTERNAL = "internal"
    REFUSED = "refused"
    """The server said no in words of a business call's own: `code` and `message` tell."""
    NOT_THIS_CONTRACT = "not_this_contract"
    NO_ANSWER = "no_answer"


class Reason(StrEnum):
    """Why a session is over, in the server's words; `signed_out` is the user's own doing."""

    REPLACED = "replaced"
    KICKED_OUT = "kicked_out"
    IDLE = "idle"
    EXPIRED = "expired"
    PASSWORD_CHANGED = "password_changed"
    DISABLED = "disabled"
    LEFT_COMPANY = "left_company"
    REFRESH_REUSED = "refresh_reused"
    SIGNED_OUT = "signed_out"
    UNKNOWN = "unknown"


def reason_of(told: object) -> Reason | None:
    """Return what *told* names; a word that only a newer server knows is `unknown`, no word at all is None."""
    if not isinstance(told, str) or not told:
        return None
    return Reason(told) if told in set(Reason) else Reason.UNKNOWN
