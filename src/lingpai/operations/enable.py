"""Disable users and clients, and enable them again."""

from dataclasses import dataclass, replace
from typing import ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused


@dataclass(frozen=True, slots=True)
class Enabling:
    """Whom (a user's id, or a client's), and whether they may act from now on."""

    id: int | str
    enabled: bool


def _kind(subject: str, asked: Enabling) -> str:
    return f"{subject}:{'enabled' if asked.enabled else 'disabled'}"


@dataclass(frozen=True, slots=True)
class EnableUser:
    """Let a user act, or not any more: then all their sessions end."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    clock: Clock

    def __call__(self, operator: str, asked: Enabling) -> None:
        """
        Make it so.

        Raises:
            Refused: With NOTHING_THERE, when there is no such user.

        """
        user_id = int(asked.id)
        with self.stores.change(Event(_kind("user", asked), "user", str(user_id), operator)) as change:
            if change.accounts.lock(user_id) is None:
                raise Refused(Outcome.NOTHING_THERE, f"no user {user_id}")
            change.accounts.set_enabled(user_id, enabled=asked.enabled)
            if not asked.enabled:
                change.sessions.end_of_user(user_id, Reason.DISABLED, self.clock())


@dataclass(frozen=True, slots=True)
class EnableClient:
    """Let a client call, or not any more: its sessions rest while it is disabled."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores

    def __call__(self, operator: str, asked: Enabling) -> None:
        """
        Make it so.

        Raises:
            Refused: With NOTHING_THERE, when there is no such client.

        """
        client_id = str(asked.id)
        with self.stores.change(Event(_kind("client", asked), "client", client_id, operator)) as change:
            client = change.clients.lock(client_id)
            if client is None:
                raise Refused(Outcome.NOTHING_THERE, f"no client {client_id}")
            change.clients.save(replace(client, enabled=asked.enabled))
