"""What is raised where a call did not end well: the contract's own code, and one word for all contracts."""

from collections.abc import Mapping
from typing import Any

from lingpai_client.outcomes import Outcome, Reason


class LingpaiError(Exception):
    """
    A call that did not end well. Nothing in it is a token, a password or a secret.

    Args:
        contract: `oppmg`, say.
        outcome: One word for all contracts.
        code: The contract's own; None where no answer of the contract came.
        message: The contract's own sentence.
        status: HTTP's; 0 where no answer came.
        data: What the answer tells besides: thinkjs names the bad arguments here.
        reason: Why the session is over, where it is.
        retry_after: Seconds to wait before the next try, where the server says so.

    """

    def __init__(
        self,
        contract: str,
        outcome: Outcome,
        code: str | int | None,
        message: str,
        *,
        status: int = 0,
        data: Any = None,
        reason: Reason | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.contract = contract
        self.outcome = outcome
        self.code = code
        self.message = message
        self.status = status
        self.data = data
        self.reason = reason
        self.retry_after = retry_after

    def __str__(self) -> str:
        told = " ".join(str(part) for part in (self.contract, self.code) if part is not None)
        why = f" ({self.reason})" if self.reason else ""
        return f"{told}: {self.message}{why}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r}, outcome={self.outcome.value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.__dict__)


class SignInAgain(LingpaiError):
    """There is no session, or it is over; `reason` says why, where the server tells."""


class Refused(LingpaiError):
    """The server understood, and said no."""


class SignInFailed(Refused):
    """Wrong name or password, or nobody who may come in here."""


class BadArgument(Refused):
    """An argument is missing or wrong, or the request cannot be read."""


class NotAllowed(Refused):
    """The user, or the app, may not do this."""


class TryLater(LingpaiError):
    """Not now: `retry_after` says when, where the server does."""


class TooManyAttempts(TryLater):
    """Too many attempts, or too fast."""


class NoAnswer(LingpaiError):
    """No answer came. The call may have been done or not."""


class NotThisContract(LingpaiError):
    """What answered does not speak this contract: a proxy's page, or a wrong base URL."""


KINDS: Mapping[Outcome, type[LingpaiError]] = {
    Outcome.SESSION_OVER: SignInAgain,
    Outcome.SIGN_IN_FAILED: SignInFailed,
    Outcome.ARGUMENT_BAD: BadArgument,
    Outcome.UNREADABLE: BadArgument,
    Outcome.NOT_ALLOWED: NotAllowed,
    Outcome.TOO_MANY_ATTEMPTS: TooManyAttempts,
    Outcome.BUSY: TryLater,
    Outcome.INTERNAL: TryLater,
    Outcome.NO_ANSWER: NoAnswer,
    Outcome.NOT_THIS_CONTRACT: NotThisContract,
}
"""Every other outcome is `Refused`."""


def kind_of(outcome: Outcome) -> type[LingpaiError]:
    """Return the error that is raised for *outcome*."""
    return KINDS.get(outcome, Refused)


def _again(kind: type[LingpaiError], told: Mapping[str, Any]) -> LingpaiError:
    """Make an error that was pickled."""
    return kind(**told)
