"""Register a client app, and give it its id and secret."""

import re
from dataclasses import dataclass, replace
from typing import ClassVar

from lingpai.principals.client_secrets import new_secret, with_secret
from lingpai.principals.keys import Keyring
from lingpai.principals.published import PUBLISHED, is_published
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.arguments import Wrong
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Client, Randomness

_ID = r"[^:\s]{1,64}"
"""A colon parts contract and client type in the ids of built-in clients, and id and secret in HTTP's Basic scheme."""

_BAD_ID: Wrong = ("应为1到64个可见字符,不含冒号和空白", "must be 1 to 64 visible characters without colons and blanks")


@dataclass(frozen=True, slots=True)
class NewClient:
    """
    What to register.

    Args:
        client: Everything but secret and creation time; an empty id asks for a new one of ten digits.
        secret: One that is known already (an import); None for a new one.

    """

    client: Client
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """The client as kept, and its secret: shown this once."""

    client: Client
    secret: Secret


@dataclass(frozen=True, slots=True)
class AddClient:
    """
    Register a client.

    Args:
        published_too: Also with credentials that a document prints, which a transcript needs and nobody else.

    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.ARGUMENT_BAD, Outcome.NAME_TAKEN})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    keys: Keyring
    clock: Clock
    randomness: Randomness
    published_too: bool = False

    def __call__(self, operator: str, asked: NewClient) -> Registered:
        """
        Return the client and its secret.

        Raises:
            Refused: With ARGUMENT_BAD for an id or a secret that a document prints, or an id that is
                too long or holds a colon, a blank or what nobody sees, NAME_TAKEN when there is a client with that id.

        """
        if not self.published_too:
            _check_unpublished(asked)
        if asked.client.id and not (re.fullmatch(_ID, asked.client.id) and asked.client.id.isprintable()):
            raise Refused(Outcome.ARGUMENT_BAD, "no id for a client", fields={"client_id": _BAD_ID})
        client_id = asked.client.id or self._new_id()
        secret = asked.secret or new_secret(asked.client.contracts, self.randomness)
        now = self.clock()
        client = with_secret(replace(asked.client, id=client_id, created=now), secret, self.keys, now)
        with self.stores.change(Event("client:added", "client", client_id, operator)) as change:
            if not change.clients.add(client):
                raise Refused(Outcome.NAME_TAKEN, f"there is a client {client_id}")
        return Registered(client, secret)

    def _new_id(self) -> str:
        return str(10**9 + int.from_bytes(self.randomness(8)) % (9 * 10**9))


def _check_unpublished(asked: NewClient) -> None:
    known = {"client_id": asked.client.id, "client_secret": asked.secret.reveal() if asked.secret else ""}
    fields = {name: PUBLISHED for name, value in known.items() if is_published(value)}
    if fields:
        raise Refused(Outcome.ARGUMENT_BAD, "published credentials", fields=fields)
