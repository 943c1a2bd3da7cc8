"""One request on its way, and what is known of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lingpai.vocabulary.outcomes import Outcome, Refused

if TYPE_CHECKING:
    from lingpai.edge.contract import Contract, Route
    from lingpai.edge.desk import Desk
    from lingpai.vocabulary.values import Caller, Client, Sighting, Standing

Members = Mapping[str, Any]
"""What a query or a body holds, by name."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    One HTTP request, read whole.

    Args:
        path: Inside the contract: without its prefix, percent-decoding done, from `/`.
        query: The raw query string.
        headers: Names in lower case, as they came, repeated ones included.
        address: Who sent it, as far as the listed proxies can be trusted.
        side: The side that the host serves ("account" or "business"); empty serves both.

    """

    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    address: str = ""
    side: str = ""

    def header(self, name: str) -> str | None:
        """
        Return the value of the header called *name* (in lower case), or None.

        Raises:
            Refused: With UNREADABLE when it came twice with different values, or
                is not UTF-8.

        """
        values = {value for key, value in self.headers if key == name.encode()}
        if not values:
            return None
        if len(values) > 1:
            raise Refused(Outcome.UNREADABLE, f"two different headers {name}")
        try:
            return values.pop().decode()
        except UnicodeDecodeError:
            raise Refused(Outcome.UNREADABLE, f"the header {name} is not UTF-8") from None

    def credential_header(self, name: str) -> str | None:
        """
        Return the value of a header that carries a credential, or None; one that came twice is bad.

        Raises:
            Refused: With CREDENTIALS_BAD.

        """
        wanted, found = name.encode(), None
        for key, value in self.headers:
            if key == wanted:
                if found is not None:
                    raise Refused(Outcome.CREDENTIALS_BAD, f"more than one header {name}")
                found = value
        if found is None:
            return None
        try:
            return found.decode()
        except UnicodeDecodeError:
            raise Refused(Outcome.CREDENTIALS_BAD, f"the header {name} is not UTF-8") from None


@dataclass(slots=True)
class Call:
    """
    What the steps have found out; each fills in its part.

    Args:
        query: Members of the query.
        body: Members of the body.
        arguments: What the operation may ask for, wherever the house style puts it.
        client: The app that calls, once it has proved to be one, or the built-in one.
        standing: The session that was admitted.
        token: The credential as it was carried.
        claims: What it says, once it has been verified.
        caller: The user behind it.
        sighting: What is to be written down of this use, by the shell, when the call is over.
        result: What the operation answered.
        answer_headers: Headers that a success brings.
        issued: A moment (milliseconds) that the answer has to name, where a step has fixed it.

    """

    request: Request
    contract: Contract
    desk: Desk
    now: int
    query: Members = field(default_factory=dict)
    body: Members = field(default_factory=dict)
    arguments: Members = field(default_factory=dict)
    route: Route | None = None
    client: Client | None = None
    client_type: str = "unknown"
    language: str = "zh"
    token: str = ""
    claims: Members = field(default_factory=dict)
    standing: Standing | None = None
    caller: Caller | None = None
    sighting: Sighting | None = None
    issued: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    result: Any = None
