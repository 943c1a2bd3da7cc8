"""
What happens to a key that was rotated: what rests on it is moved, or awaited; then it is dropped.

A pepper's and a data key's secrets of clients are kept anew under the current key, for they do not age. Sessions do:
their tokens stay as they are, and the key is accepted until the last of them is over.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lingpai.principals.chain import AUDIT
from lingpai.principals.client_secrets import is_under_current_keys, under_current_keys
from lingpai.principals.keys import DATA, PEPPER, Keyring, KeyTrouble
from lingpai.stores.interfaces import Change, Stores
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import Event, Unchanged
from lingpai.vocabulary.values import Client, WorkingKey

LOG = logging.getLogger(__name__)

BATCH = 500
"""Clients of one transaction: other writers wait no longer than that takes."""

MARGIN_SECONDS = 3600
"""So much longer a key is kept than anything can live: for a worker that learnt late of the new one."""

OTHER_SECONDS = 86_400
"""So long the last key for a purpose that belongs to no contract is kept."""


KEPT = frozenset({AUDIT})
"""Purposes whose keys are never dropped: the chain over the audit trail is verified with the keys that made it."""


@dataclass(frozen=True, slots=True)
class Retired:
    """What was done: so many clients' secrets are kept anew, so many keys were dropped."""

    clients: int = 0
    keys: int = 0


@dataclass(frozen=True, slots=True)
class Retiring:
    """Looks after keys that were rotated. Any number of workers may do so at once."""

    stores: Stores
    keys: Keyring
    clock: Clock

    def tidy(self) -> Retired:
        """Do all that can be done now: nothing, with one small query, where no key was rotated."""
        clients = dropped = 0
        for purpose, older in self._rotated():
            if purpose in (PEPPER, DATA) and any(key.ends is None or key.ends <= self.clock() for key in older):
                clients += self.keep_clients_anew()
            dropped += self._retire(purpose, older)
        return Retired(clients, dropped)

    def keep_clients_anew(self) -> int:
        """Keep clients' secrets under the current keys, in bounded batches, and return of how many clients."""
        moved = 0
        for page in self._pages():
            stale = [client.id for client in page if not is_under_current_keys(client, self.keys)]
            if stale:
                event = Event("clients:kept-anew", "keys", "", detail={"clients": len(stale)}, told=False)
                with self.stores.change(event) as change:
                    for client_id in stale:
                        client = change.clients.lock(client_id)
                        moved += client is not None and self._keep_anew(change, client)
        return moved

    def some_client_rests(self) -> bool:
        """Return whether a client's secret is still kept under a key that is not current."""
        return any(not is_under_current_keys(client, self.keys) for page in self._pages() for client in page)

    def _keep_anew(self, change: Change, client: Client) -> bool:
        try:
            change.clients.save(under_current_keys(client, self.keys))
        except KeyTrouble as trouble:
            LOG.error("client %s needs a new secret: %s", client.id, trouble)  # noqa: TRY400 - the line says all
            return False
        return True

    def _rotated(self) -> Iterator[tuple[str, Sequence[WorkingKey]]]:
        """Yield each purpose whose newest key is in use, with the keys before it."""
        of: dict[str, list[WorkingKey]] = {}
        for row in self.stores.keys.all():
            of.setdefault(row.purpose, []).append(row)
        for purpose, (newest, *older) in of.items():
            if older and purpose not in KEPT and self.keys.is_in_use(purpose, newest.id):
                yield purpose, older

    def _retire(self, purpose: str, older: Sequence[WorkingKey]) -> int:
        """Say of the keys before when they end, and drop those that have; return how many were dropped."""
        now = self.clock()
        unjudged = [key.id for key in older if key.ends is None]
        over = [key.id for key in older if key.ends is not None and key.ends <= now]
        if purpose in (PEPPER, DATA) and over and self.some_client_rests():
            LOG.error("a client's secret rests on the %s before and cannot be kept anew: the key stays", purpose)
            over = []
        if not unjudged and not over:
            return 0
        ends = self._last_use(purpose, now) + MARGIN_SECONDS * SECOND
        dropped = 0
        event = Event("key:retired", "keys", purpose, detail={"dropped": len(over)})
        with suppress(Unchanged), self.stores.change(event) as change:
            there = {row.id: row for row in change.keys.lock(purpose)}
            for key_id in (one for one in unjudged if one in there and there[one].ends is None):
                change.keys.end(key_id, ends)
            for key_id in (one for one in over if one in there):
                change.keys.drop(key_id)
                dropped += 1
            if not dropped and not unjudged:
                raise Unchanged
        return dropped

    def _last_use(self, purpose: str, now: int) -> int:
        """Return until when anything can live that was made with the keys for *purpose* that were rotated."""
        contract, dot, _ = purpose.partition(".")
        if purpose == PEPPER:
            return max(now, self.stores.sessions.latest_end(None))
        if purpose == DATA:
            return now
        return max(now, self.stores.sessions.latest_end(contract)) if dot else now + OTHER_SECONDS * SECOND

    def _pages(self) -> Iterator[Sequence[Client]]:
        page = self.stores.clients.page("", BATCH)
        while page:
            yield page
            page = self.stores.clients.page(page[-1].id, BATCH)
