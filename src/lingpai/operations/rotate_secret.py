"""Give a client a new secret, beside which the last one goes on for a while."""

from dataclasses import dataclass, replace
from typing import ClassVar

from lingpai.operations.add_client import Registered
from lingpai.principals.client_secrets import new_secret, with_new_secret
from lingpai.principals.keys import Keyring
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.arguments import Wrong
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Randomness

_PAST: Wrong = ("应在将来", "must be in the future")


@dataclass(frozen=True, slots=True)
class SecretRotation:
    """
    Whose secret, and what becomes of the last one.

    Args:
        old_end: The last one is good until then (milliseconds); None for no longer.

    """

    client_id: str
    old_end: int | None


@dataclass(frozen=True, slots=True)
class RotateSecret:
    """Make a new secret. Nobody who signed in through the client is signed out."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.ARGUMENT_BAD, Outcome.NOTHING_THERE, Outcome.NOT_ALLOWED})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    keys: Keyring
    clock: Clock
    randomness: Randomness

    def __call__(self, operator: str, asked: SecretRotation) -> Registered:
        """
        Return the client and its new secret, shown this once.

        Raises:
            Refused: With ARGUMENT_BAD for an end that is past; with NOTHING_THERE when there is no such
                client, or it has no secret; with NOT_ALLOWED when two secrets live already, and the
                older would be cut off (with no *old_end* both end).

        """
        now = self.clock()
        if asked.old_end is not None and asked.old_end <= now:
            raise Refused(Outcome.ARGUMENT_BAD, "an end in the past", fields={"old_ends": _PAST})
        detail = {"old_end": asked.old_end}
        event = Event("client:secret-rotated", "secret", asked.client_id, operator, detail)
        with self.stores.change(event) as change:
            client = change.clients.lock(asked.client_id)
            if client is None or not client.secret_digest:
                raise Refused(Outcome.NOTHING_THERE, f"no client {asked.client_id} with a secret")
            if asked.old_end is not None and len(client.secrets(now)) > 1:
                raise Refused(Outcome.NOT_ALLOWED, "two secrets live already")
            secret = new_secret(client.contracts, self.randomness)
            kept = with_new_secret(client, secret, self.keys, now, asked.old_end or now)
            change.clients.save(kept)
        return Registered(kept, secret)


@dataclass(frozen=True, slots=True)
class EndOldSecret:
    """End the older of a client's two secrets now."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    clock: Clock

    def __call__(self, operator: str, client_id: str) -> None:
        """
        Make it so.

        Raises:
            Refused: With NOTHING_THERE when no such client has two live secrets.

        """
        with self.stores.change(Event("client:old-secret-ended", "secret", client_id, operator)) as change:
            client = change.clients.lock(client_id)
            if client is None or len(client.secrets(self.clock())) < 2:  # noqa: PLR2004 - the word says so
                raise Refused(Outcome.NOTHING_THERE, f"no client {client_id} with two secrets")
            change.clients.save(replace(client, old_digest=b"", old_sealed=b"", old_end=None))
