"""The app that calls, proved by HTTP's Basic scheme (RFC 7617)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from lingpai.edge.call import Call
from lingpai.edge.carriers import Carrier, read_basic
from lingpai.edge.contract import Step
from lingpai.edge.describing import Asked
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.policies import WeakForm


@dataclass(frozen=True, slots=True)
class BasicClient(Step):
    """
    The caller knows the secret of a client that may speak this contract.

    It ends with the first that holds of: no user and password in one Authorization header
    (CREDENTIALS_MISSING, CREDENTIALS_BAD); another client named elsewhere (CLIENT_MISMATCHED); no such
    client; a wrong secret; a client that is disabled or not for this contract (CLIENT_NOT_SERVED).

    Args:
        named: Where the request may name the client once more.
        pattern: What an id looks like; nothing else is looked up.
        old_secret: What it is to know only the secret before the one in use.

    """

    ENDS: ClassVar[Ends] = frozenset(
        {
            Outcome.CREDENTIALS_MISSING,
            Outcome.CREDENTIALS_BAD,
            Outcome.CLIENT_MISMATCHED,
            Outcome.CLIENT_UNKNOWN,
            Outcome.CLIENT_SECRET_WRONG,
            Outcome.CLIENT_NOT_SERVED,
        }
    )
    KNOWS_CLIENT: ClassVar[bool] = True

    named: Carrier
    pattern: str
    old_secret: WeakForm = WeakForm.OLD_SECRET
    fits: Callable[[str], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fits", re.compile(self.pattern).fullmatch)

    def asked(self) -> tuple[Asked, ...]:
        id_again = {"type": "string", "pattern": f"^(?:{self.pattern})?$"}
        return (
            Asked(place="header", name="Authorization", credential=True, scheme="basic"),
            replace(self.named.asked(id_again), required=False),
        )

    def __call__(self, call: Call) -> None:
        shown = read_basic(call)
        if shown is None:
            raise Refused(Outcome.CREDENTIALS_MISSING, "no user and password in the header Authorization")
        client_id, secret = shown
        if self.named.read(call) not in (None, client_id):
            raise Refused(Outcome.CLIENT_MISMATCHED, "another client than the header's is named")
        client = call.desk.clients.by_id(client_id) if self.fits(client_id) else None
        if client is None:
            raise Refused(Outcome.CLIENT_UNKNOWN, "no such client")
        fits = call.desk.keys.fits
        right = next((kept for kept in client.secrets(call.now) if fits(kept.digest, secret)), None)
        if right is None:
            raise Refused(Outcome.CLIENT_SECRET_WRONG, f"wrong secret of client {client.id}")
        call.client, call.secret_end = client, right.end
        if call.secret_end is not None:
            call.uses(self.old_secret)
        if not client.enabled or not client.speaks(call.contract.name, call.now):
            raise Refused(Outcome.CLIENT_NOT_SERVED, f"client {client.id} is disabled, or not for {call.contract.name}")


class DesktopClient(Step):
    """The client may sign users in: it is the desktop program, not a third party that would see their passwords."""

    __slots__ = ()
    ENDS: ClassVar[Ends] = frozenset({Outcome.CLIENT_NOT_SERVED})

    def __call__(self, call: Call) -> None:
        if call.client is None or not call.client.desktop:
            raise Refused(Outcome.CLIENT_NOT_SERVED, "only a desktop client may sign users in")
