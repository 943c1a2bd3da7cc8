"""
What a worker remembers, and how it knows that it still may.

Sessions (with user, client and memberships), clients and auth codes that were read once
are served from here on the event loop. A worker trusts its memory only while it has confirmed its place in
the change feed within the last second, and nobody on this machine has rung the bell since; else
every question is `NotRemembered`, and the database is asked.
"""

import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from lingpai.principals.bell import Rung, silence
from lingpai.stores.interfaces import Feed, Place, Stores
from lingpai.vocabulary.events import FeedEntry
from lingpai.vocabulary.outcomes import NotRemembered
from lingpai.vocabulary.values import AuthCode, Client, Sighting, Standing

LOG = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

LEASE_SECONDS = 1.0
"""For so long after it was confirmed a worker trusts its place in the feed."""

POLL_SECONDS = 0.1
"""So often a follower looks for new entries."""

PAUSE_SECONDS = 0.001
"""So long a follower rests between two looks, however often it is woken."""

MOST_CLIENTS = 10_000
"""So many clients are kept."""

Ticks = Callable[[], float]
"""Seconds on a clock that never goes back and also runs while the machine sleeps."""


def ticks_while_asleep() -> float:
    """Return seconds since boot, sleep included, where the system knows (Linux); else since some moment."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Remembered:
    """
    The memory of one worker. All methods may be called from any thread.

    Args:
        most: How many sessions, and how many auth codes, are kept; the longest unused go first, as far as it was
            noted: while a quarter of the places is free nobody will have to go soon, and uses are not noted.
        rung: Tells what the bell of this machine rang last.

    """

    def __init__(self, ticks: Ticks = ticks_while_asleep, most: int = 200_000, rung: Rung = silence) -> None:
        self._ticks = ticks
        self._most = most
        self._ample = most * 3 // 4
        self._rung = rung
        self._lock = threading.Lock()
        self._confirmed = float("-inf")
        self._noted: int | None = None
        self.doubted = threading.Event()
        self._applied = 0
        self._standings: OrderedDict[str, Standing] = OrderedDict()
        self._digests: dict[bytes, str] = {}
        self._of_user: dict[int, str | set[str]] = {}
        self._alike: dict[Any, Any] = {}
        self._clients: OrderedDict[str, Client] = OrderedDict()
        self._codes: OrderedDict[bytes, AuthCode] = OrderedDict()

    # Asked on the event loop.

    def standing(self, *token_digests: bytes) -> Standing:
        """Return the session with that token, by any of its digests, or raise `NotRemembered`."""
        for digest in token_digests:
            session_id = self._digests.get(digest)
            if session_id is not None:
                return self.standing_of(session_id)
        raise NotRemembered

    def standing_of(self, session_id: str) -> Standing:
        """Return the session with that id, or raise `NotRemembered`."""
        self._check_trust()
        standing = self._standings.get(session_id)
        if standing is None:
            raise NotRemembered
        self._used(self._standings, session_id)
        return standing

    def client(self, client_id: str) -> Client:
        """Return the client with that id, or raise `NotRemembered`."""
        self._check_trust()
        client = self._clients.get(client_id)
        if client is None:
            raise NotRemembered
        self._used(self._clients, client_id)
        return client

    def code(self, *digests: bytes) -> AuthCode:
        """Return the auth code with one of *digests*, or raise `NotRemembered`."""
        for digest in digests:
            code = self._codes.get(digest)
            if code is not None:
                self._used(self._codes, digest)
                return code
        raise NotRemembered

    # Told by those who read the database.

    def mark(self) -> int:
        """Return what must not have changed between just before a read and keeping what it read."""
        return self._applied

    def keep_standing(self, standing: Standing, mark: int) -> None:
        """Remember *standing*, unless the feed moved since *mark*: then it served its one call and is forgotten."""
        session = standing.session
        with self._lock:
            if mark != self._applied or session.ended is not None:
                return
            self._forget_session(session.id)
            self._standings[session.id] = self._slim(standing)
            mine = self._of_user.setdefault(session.user_id, session.id)
            if isinstance(mine, set):
                mine.add(session.id)
            elif mine != session.id:
                self._of_user[session.user_id] = {mine, session.id}
            if session.token_digest is not None:
                self._digests[session.token_digest] = session.id
            while len(self._standings) > self._most:
                self._forget_session(next(iter(self._standings)))

    def _slim(self, standing: Standing) -> Standing:
        """Return the same standing with one copy of what many sessions have alike, without what nobody asks of it."""
        session, user = standing.session, standing.user
        if len(self._alike) > MOST_CLIENTS:
            self._alike.clear()
        client = self._alike.setdefault(standing.client, standing.client)
        memberships = self._alike.setdefault(standing.memberships, standing.memberships)
        contract, client_type = sys.intern(session.contract), sys.intern(session.client_type)
        session = msgspec.structs.replace(session, client_id=client.id, contract=contract, client_type=client_type)
        name_key = user.name if user.name == user.name_key else user.name_key
        user = replace(user, id=session.user_id, name_key=name_key, password="", name_skeleton=None)
        return Standing(session, user, client, memberships)

    def keep_client(self, client: Client, mark: int) -> None:
        """Remember *client*, unless the feed moved since *mark*."""
        with self._lock:
            if mark == self._applied:
                self._clients[client.id] = client
                while len(self._clients) > MOST_CLIENTS:
                    self._clients.popitem(last=False)

    def keep_code(self, code: AuthCode) -> None:
        """Remember *code*; nothing can change it."""
        with self._lock:
            self._codes[code.digest] = code
            while len(self._codes) > self._most:
                self._codes.popitem(last=False)

    def saw(self, sighting: Sighting) -> None:
        """
        Let the remembered session know that its use will be written down.

        Until it is, the session idles on: were its new idle end believed and never written (a full disk), it
        would be accepted here when others, who read the database, have refused it.
        """
        with self._lock:
            standing = self._standings.get(sighting.session_id)
            if standing is not None:
                self._standings[sighting.session_id] = _later(standing, sighting, standing.session.idle_end)

    def wrote(self, sightings: Sequence[Sighting], at: int) -> None:
        """
        Let the remembered sessions know that these uses were written, before *at*.

        A session that may have been over by then (its row is never less than what is remembered) is forgotten:
        the row says whether the use counted.
        """
        with self._lock:
            for sighting in sightings:
                standing = self._standings.get(sighting.session_id)
                if standing is None or standing.session.idle_end is None or sighting.idle_end is None:
                    continue
                if standing.session.idle_end <= at:
                    self._forget_session(sighting.session_id)
                else:
                    idle_end = max(standing.session.idle_end, sighting.idle_end)
                    self._standings[sighting.session_id] = _later(standing, sighting, idle_end)

    # Told by the change feed.

    def apply(self, entries: Sequence[FeedEntry]) -> None:
        """Forget whatever *entries* speak of. Twice is as good as once."""
        if not entries:
            return
        with self._lock:
            self._applied += 1
            for entry in entries:
                self._forget(entry)

    def confirm(self, sent: float, noted: int = 0) -> None:
        """
        Trust what is remembered for a lease from *sent*, as long as the bell is as it was.

        Args:
            sent: When the query was sent that confirmed our place in the feed.
            noted: What the bell had rung just before.

        """
        self._noted = noted
        self._confirmed = max(self._confirmed, sent)

    def is_vouched(self) -> bool:
        """Return whether no change is known to be untold: what was heard of the feed is all that there was to hear."""
        return self._rung() == self._noted and self.is_confirmed()

    def is_confirmed(self) -> bool:
        """Return whether our place in the feed was confirmed within the lease."""
        return self._ticks() - self._confirmed < LEASE_SECONDS

    def count(self) -> int:
        """Return how many sessions are remembered."""
        return len(self._standings)

    def unconfirmed_seconds(self) -> float:
        """Return for how long our place in the feed has not been confirmed; a day at most."""
        return min(86_400.0, self._ticks() - self._confirmed)

    def note(self) -> int:
        """Return what the bell rang last, to be given to `confirm` after the feed was asked."""
        return self._rung()

    def forget_everything(self) -> None:
        """Start again from nothing."""
        self.apply([FeedEntry(0, "everything", "")])

    def _check_trust(self) -> None:
        # Asked before what is remembered is looked up: the other way round, an entry that is applied and
        # confirmed between the two would vouch for what it has just forgotten.
        if self._rung() != self._noted:
            self.doubted.set()
            raise NotRemembered
        if self._ticks() - self._confirmed >= LEASE_SECONDS:
            raise NotRemembered

    def _used(self, kept: OrderedDict[K, V], key: K) -> None:
        if len(kept) < self._ample:
            return
        # Whoever holds the lock is at work on the order; the event loop does not wait for them to note a use.
        if self._lock.acquire(False):  # noqa: FBT003 - its name costs as much as the call
            try:
                if key in kept:
                    kept.move_to_end(key)
            finally:
                self._lock.release()

    def _forget(self, entry: FeedEntry) -> None:
        match entry.subject:
            case "session":
                self._forget_session(entry.subject_id)
            case "user":
                mine = self._of_user.get(int(entry.subject_id), set())
                for session_id in [mine] if isinstance(mine, str) else list(mine):
                    self._forget_session(session_id)
            case "client":
                self._clients.pop(entry.subject_id, None)
                self._forget_sessions(lambda s: s.session.client_id == entry.subject_id)
            case "company":
                company_id = int(entry.subject_id)
                self._forget_sessions(lambda s: s.membership(company_id) is not None)
            case "secret":
                self._clients.pop(entry.subject_id, None)
            case "contract":
                self._forget_sessions(lambda s: s.session.contract == entry.subject_id)
            case "keys":
                # What a client's secret was kept under may be dropped next. Sessions hold nothing of a key.
                self._clients.clear()
            case "everything":
                self._standings.clear()
                self._digests.clear()
                self._of_user.clear()
                self._alike.clear()
                self._clients.clear()
                self._codes.clear()

    def _forget_sessions(self, which: Callable[[Standing], bool]) -> None:
        for session_id in [i for i, standing in self._standings.items() if which(standing)]:
            self._forget_session(session_id)

    def _forget_session(self, session_id: str) -> None:
        standing = self._standings.pop(session_id, None)
        if standing is None:
            return
        session = standing.session
        if session.token_digest is not None:
            self._digests.pop(session.token_digest, None)
        mine = self._of_user[session.user_id]
        if isinstance(mine, set):
            mine.discard(session_id)
        if not mine or mine == session_id:
            del self._of_user[session.user_id]


def _later(standing: Standing, sighting: Sighting, idle_end: int | None) -> Standing:
    session = standing.session
    last_seen = max(session.last_seen, sighting.seen)
    session = msgspec.structs.replace(session, last_seen=last_seen, idle_end=idle_end)
    return Standing(session, standing.user, standing.client, standing.memberships)


class FromMemory:
    """Sessions, clients and codes as the event loop asks for them: remembered, or `NotRemembered`."""

    def __init__(self, remembered: Remembered) -> None:
        self.standing = remembered.standing
        self.standing_of = remembered.standing_of
        self.by_id = remembered.client
        self.find = remembered.code


class ReadAndRemembered:
    """Sessions, clients and codes as a worker thread asks for them: read now, and remembered for the next call."""

    def __init__(self, stores: Stores, remembered: Remembered) -> None:
        self._stores = stores
        self._remembered = remembered

    def standing(self, *token_digests: bytes) -> Standing | None:
        mark = self._remembered.mark()
        return self._keep(self._stores.sessions.standing(*token_digests), mark)

    def standing_of(self, session_id: str) -> Standing | None:
        mark = self._remembered.mark()
        return self._keep(self._stores.sessions.standing_of(session_id), mark)

    def by_id(self, client_id: str) -> Client | None:
        mark = self._remembered.mark()
        client = self._stores.clients.by_id(client_id)
        if client is not None:
            self._remembered.keep_client(client, mark)
        return client

    def find(self, *digests: bytes) -> AuthCode | None:
        code = self._stores.codes.find(*digests)
        if code is not None:
            self._remembered.keep_code(code)
        return code

    def _keep(self, standing: Standing | None, mark: int) -> Standing | None:
        if standing is not None:
            self._remembered.keep_standing(standing, mark)
        return standing


Hear = Callable[[Sequence[FeedEntry]], None]
"""What wants to know what the change feed told."""


def _nothing(_entries: Sequence[FeedEntry]) -> None:
    """Hear it and go on."""


class Follower:
    """
    Follows the change feed on a thread of its own.

    Args:
        hear: Told of the entries of each poll, none included, when memory has forgotten and before it is trusted again.

    """

    def __init__(
        self, feed: Feed, remembered: Remembered, ticks: Ticks = ticks_while_asleep, hear: Hear = _nothing
    ) -> None:
        self._wakened = remembered.doubted
        self._feed = feed
        self._remembered = remembered
        self._ticks = ticks
        self._hear = hear
        self._place: Place | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def poll(self) -> None:
        """Apply what is new, and confirm our place from the moment that the question was sent."""
        noted, sent = self._remembered.note(), self._ticks()
        heard = None if self._place is None else self._feed.after(self._place)
        if heard is None:
            place = self._feed.here()
            self._remembered.forget_everything()
            self._hear([FeedEntry(0, "everything", "")])
        else:
            place = heard.place
            self._remembered.apply(heard.entries)
            self._hear(heard.entries)
        self._place = place
        self._remembered.confirm(sent, noted)

    def start(self) -> None:
        """Follow until `stop`. A poll that fails is tried again; meanwhile the lease runs out by itself."""
        self._feed.wake(self.wake)
        self._thread.start()

    def wake(self) -> None:
        """Poll soon: something changed."""
        self._wakened.set()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        answers = True
        while True:
            self._wakened.wait(POLL_SECONDS)
            if self._stopped.wait(PAUSE_SECONDS if answers else POLL_SECONDS):
                return
            # Cleared before the poll: who doubts during it wakes us again.
            self._wakened.clear()
            try:
                self.poll()
            except Exception as trouble:  # noqa: BLE001 - whatever it is, the lease runs out
                if answers:
                    LOG.warning("the change feed does not answer, the database is asked for every call: %r", trouble)
                answers = False
            else:
                if not answers:
                    LOG.warning("the change feed answers again")
                answers = True
