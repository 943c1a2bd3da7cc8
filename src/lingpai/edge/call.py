"""One request on its way, and what is known of it so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from lingpai.vocabulary.outcomes import Outcome, Refused

if TYPE_CHECKING:
    from lingpai.edge.contract import Contract, Route
    from lingpai.edge.desk import Desk
    from lingpai.vocabulary.policies import WeakForm
    from lingpai.vocabulary.values import Caller, Client, Sighting, Standing

Members = Mapping[str, Any]
"""What a query or a body holds, by name."""


class Request(msgspec.Struct, frozen=True):
    """
    One HTTP request, read whole.

    Args:
        path: Inside the contract: without its prefix, percent-decoding done, from `/`.
        query: The raw query string.
        headers: Names in lower case, as they came, repeated ones included.
        address: Who sent it, as far as the listed proxies can be trusted.
        side: The side that the host serves ("account" or "business"); empty serves both.
        plain: It came over a connection that others could read.
        id: What it is called in the log: a trusted proxy's word, or ours once it is asked for (`logbook.request_id`).
        last: The last value of each header, made from *headers*.

    """

    method: str
    path: str
    query: bytes = b""
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: bytes = b""
    address: str = ""
    side: str = ""
    plain: bool = False
    id: str = ""
    last: dict[bytes, bytes] = {}

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "last", dict(self.headers))

    def values(self, name: bytes) -> Sequence[bytes]:
        """Return every value of the header called *name* (in lower case), in their order."""
        last = self.last.get(name)
        if last is None:
            return ()
        if len(self.last) == len(self.headers):
            return (last,)
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str | None:
        """
        Return the value of the header called *name* (in lower case), or None.

        Raises:
            Refused: With UNREADABLE when it came twice with different values, or
                is not UTF-8.

        """
        values = self.values(name.encode())
        if not values:
            return None
        if len(set(values)) > 1:
            raise Refused(Outcome.UNREADABLE, f"two different headers {name}")
        try:
            return values[0].decode()
        except UnicodeDecodeError:
            raise Refused(Outcome.UNREADABLE, f"the header {name} is not UTF-8") from None

    def credential_header(self, name: str) -> str | None:
        """
        Return the value of a header that carries a credential, or None; one that came twice is bad.

        Raises:
            Refused: With CREDENTIALS_BAD.

        """
        values = self.values(name.encode())
        if not values:
            return None
        if len(values) > 1:
            raise Refused(Outcome.CREDENTIALS_BAD, f"more than one header {name}")
        try:
            return values[0].decode()
        except UnicodeDecodeError:
            raise Refused(Outcome.CREDENTIALS_BAD, f"the header {name} is not UTF-8") from None


class Call(msgspec.Struct):
    """
    What the steps have found out; each fills in its part.

    Args:
        query: Members of the query.
        body: Members of the body.
        arguments: What the operation may ask for, wherever the house style puts it.
        client: The app that calls, once it has proved to be one, or the built-in one.
        secret_end: When the secret that it was proved with ends (milliseconds); None for the one in use.
        standing: The session that was admitted.
        token: The credential as it was carried.
        claims: What it says, once it has been verified.
        caller: The user behind it.
        sighting: What is to be written down of this use, by the shell, when the call is over.
        result: What the operation answered.
        answer_headers: Headers that a success brings.
        issued: A moment (milliseconds) that the answer has to name, where a step has fixed it.
        weak: The weak forms that this call was seen to use.
        refused: The one of them that ended it.

    """

    request: Request
    contract: Contract
    desk: Desk
    now: int
    query: Members = {}
    body: Members = {}
    arguments: Members = {}
    route: Route | None = None
    client: Client | None = None
    secret_end: int | None = None
    client_type: str = "unknown"
    language: str = "zh"
    token: str = ""
    claims: Members = {}
    standing: Standing | None = None
    caller: Caller | None = None
    sighting: Sighting | None = None
    issued: int = 0
    answer_headers: dict[str, str] = {}
    result: Any = None
    weak: tuple[WeakForm, ...] = ()
    refused: WeakForm | None = None

    def uses(self, form: WeakForm) -> None:
        """Note that the call uses the weak *form*: `Permitted` judges it, the answer tells of it, and it is counted."""
        if form not in self.weak:
            # Credentials before the connection: whoever proved nothing hears of that first.
            self.weak = (form, *self.weak)
