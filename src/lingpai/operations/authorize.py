"""Give a client a short-lived code to ask about a user with (zhiyun 6.1)."""

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from lingpai.principals.admission import Admission
from lingpai.principals.keys import Keyring
from lingpai.principals.rates import Rate, unlimited
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import AuthCode, Caller, Randomness


def auth_code(random_bytes: bytes) -> str:
    """
    Return a code of 40 lower-case hexadecimal digits: the first of SHA-512 over 100 random bytes.

    >>> auth_code(bytes(100))
    'f206f4f0ef09b90837f1d15a07c6cf4bd291d817'
    """
    return hashlib.sha512(random_bytes).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Authorize:
    """Make a code, bound to the client that asks, the user and the session; earlier ones live on."""

    TITLE: ClassVar[tuple[str, str]] = ("获取授权码", "Get an auth code")
    ENDS: ClassVar[Ends] = Admission.ENDS | {Outcome.CLIENT_NOT_SERVED, Outcome.TOO_MANY_ATTEMPTS}
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    admission: Admission
    keys: Keyring
    clock: Clock
    randomness: Randomness
    rate: Rate = unlimited

    def __call__(self, caller: Caller, _question: None) -> str:
        """
        Return the code; only its digest is kept. It opens what the client's scope opens now.

        Raises:
            Refused: With TOO_MANY_ATTEMPTS for one code too many, with CLIENT_NOT_SERVED when the client was
                disabled, or its contract ended, meanwhile, with SESSION_OVER when the session ended.

        """
        terms = caller.terms.code
        if terms is None:
            raise ValueError(f"{caller.terms.contract} gives no codes")
        self.rate("authorize", caller)
        code = auth_code(self.randomness(100))
        event = Event(
            "code:granted",
            "session",
            caller.session.id,
            f"client:{caller.client.id}",
            {"user": caller.user.id},
            told=False,
        )
        with self.stores.change(event) as change:
            client = change.clients.by_id(caller.client.id)
            if client is None or not client.enabled or not client.speaks(caller.terms.contract, self.clock()):
                raise Refused(Outcome.CLIENT_NOT_SERVED, f"client {caller.client.id} was shut out meanwhile")
            kept = change.sessions.standing_of(caller.session.id)
            user = self.admission.check(kept, caller.terms).user
            change.codes.add(
                AuthCode(
                    digest=self.keys.digest(code),
                    client_id=client.id,
                    user_id=user.id,
                    session_id=caller.session.id,
                    scope=terms.opened(client.scope),
                    company_id=user.company_id,
                    end=(self.clock() // SECOND + terms.seconds) * SECOND,
                )
            )
        return code
