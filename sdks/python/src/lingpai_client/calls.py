"""What a contract is asked, and what was heard: values that its `Auth` and the client share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx2

from lingpai_client.errors import LingpaiError, kind_of
from lingpai_client.outcomes import Outcome, Reason

T = TypeVar("T")

PUBLIC = "lingpai.public"
"""A request with this extension shows nothing of the user, though there be a session."""

RENEWAL = "lingpai.renewal"
"""The mark of a request that an `Auth` made by itself, to renew what the next one shows."""


@dataclass(frozen=True, slots=True)
class Call:
    """
    A call of a contract.

    Args:
        path: Behind the base URL.
        public: Nothing of the user is shown.
        grants: Its answer brings tokens.
        as_is: It shows what there is, renewed or not.
        rotates: It changes the tokens by itself, so nobody renews them meanwhile.
        ends: The session is over after it.

    """

    method: str
    path: str
    public: bool = False
    grants: bool = False
    as_is: bool = False
    rotates: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A request as a contract spells it, before anything is proved."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """
    What an answer says.

    Args:
        code: The contract's own; None where the answer is none of this contract.
        tokens: What it brings for the calls that follow.
        time: What the server's clock said, in seconds since 1970, where the contract tells it.

    """

    outcome: Outcome
    code: str | int | None
    message: str
    data: Any = field(default=None, repr=False)
    reason: Reason | None = None
    tokens: T | None = field(default=None, repr=False)
    time: float | None = None

    def error(self, contract: str, response: httpx2.Response) -> LingpaiError:
        """Return what is raised for this."""
        over = self.outcome is Outcome.SESSION_OVER
        return kind_of(self.outcome)(
            contract,
            self.outcome,
            self.code,
            self.message,
            status=response.status_code,
            # What came with a renewal is a pair of tokens.
            data=None if self.outcome in (Outcome.RENEWED, Outcome.OK) else self.data,
            reason=(self.reason or Reason.UNKNOWN) if over else None,
            retry_after=retry_after(response),
        )


def foreign(response: httpx2.Response) -> Heard[Any]:
    """Return what is said of an answer that a contract never gives: a proxy's page, another server's words."""
    status = response.status_code
    if status in (502, 503, 504):
        return Heard(Outcome.BUSY, None, f"HTTP {status}")
    why = f"HTTP {status}, and no answer of this contract: check the base URL"
    return Heard(Outcome.NOT_THIS_CONTRACT, None, why)


def retry_after(response: httpx2.Response) -> int | None:
    """Return `Retry-After`, where the answer has it in seconds."""
    seconds = response.headers.get("Retry-After", "")
    return int(seconds) if seconds.isascii() and seconds.isdigit() else None
