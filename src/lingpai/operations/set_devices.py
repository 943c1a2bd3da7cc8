"""Say how many sessions a user may have at a client (a built-in one stands for its client type), and who gives way."""

from dataclasses import dataclass, replace
from typing import ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Client


@dataclass(frozen=True, slots=True)
class Devices:
    """
    The policy of one client.

    Args:
        most: So many live sessions of one user; None for any number.
        replaces: At that number the newest replaces the oldest; else it is refused.

    """

    client_id: str
    most: int | None
    replaces: bool = True


@dataclass(frozen=True, slots=True)
class SetDevices:
    """Set the policy. Who has more sessions already keeps them until their next sign-in here."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.ARGUMENT_BAD, Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores

    def __call__(self, operator: str, asked: Devices) -> Client:
        """
        Return the client as it is now.

        Raises:
            Refused: With ARGUMENT_BAD for a limit below one, with NOTHING_THERE when there is no such client.

        """
        if asked.most is not None and asked.most < 1:
            raise Refused(Outcome.ARGUMENT_BAD, "no session at all", fields={"most": ("至少为 1", "must be 1 or more")})
        detail = {"most": asked.most, "replaces": str(asked.replaces)}
        with self.stores.change(Event("client:devices-set", "client", asked.client_id, operator, detail)) as change:
            client = change.clients.lock(asked.client_id)
            if client is None:
                raise Refused(Outcome.NOTHING_THERE, f"no client {asked.client_id}")
            kept = replace(client, most_sessions=asked.most, replaces=asked.replaces)
            change.clients.save(kept)
        return kept
