"""What a module works with: the time, randomness, people, and tables of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from lingpai.principals.keys import Keyring
from lingpai.stores.interfaces import Stores, Tables
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.values import Caller, Company, Randomness, User, Visitor


@dataclass(frozen=True, slots=True)
class Workbench:
    """
    The tools of one module.

    Args:
        name: The module's own.
        clock: The time, in milliseconds since 1970.
        zone: In which times are printed.
        randomness: So many unpredictable bytes.
        keys: Digests and seals what must not lie in the clear (`digest`, `seal`, `unseal`).
        stores: The core's own roles. They are no promise to other packages: keep to the methods below.

    """

    name: str
    clock: Clock
    zone: ZoneInfo
    randomness: Randomness
    keys: Keyring
    stores: Stores

    @property
    def read(self) -> Tables:
        """The module's own tables, read: each statement in a transaction of its own."""
        return self.stores.tables

    @contextmanager
    def change(self, kind: str, by: Visitor | None, **detail: str | int | None) -> Iterator[Tables]:
        """
        Return a transaction over the module's own tables, which leaves an audit row.

        After the block everything in it is on stable storage; if the block raises, nothing of it was ever true.

        Args:
            kind: What happened, as `subject:past-participle`, such as `repair:taken`.
            by: Who did it; None for nobody who called (a hook).
            detail: More for the audit row. Never a secret.

        """
        event = Event(kind, "module", self.name, _actor(by), detail, told=False)
        with self.stores.change(event) as change:
            yield change.tables

    def user(self, user_id: int) -> User | None:
        """Return the user with that id."""
        return self.stores.accounts.by_id(user_id)

    def company(self, company_id: int) -> Company | None:
        """Return the company with that id."""
        return self.stores.companies.by_id(company_id)


def _actor(by: Visitor | None) -> str:
    if by is None:
        return "system"
    return by.actor if isinstance(by, Caller) else f"client:{by.client.id}"
