"""A user, two companies, two client apps and three sessions on memory stores, and workers that remember them."""

import logging
import queue
from dataclasses import dataclass, field

import msgspec
import pytest

from lingpai.principals.remembered import Follower, FromMemory, ReadAndRemembered, Remembered
from lingpai.stores.memory import Held, Memory, Rows
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Refused
from lingpai.vocabulary.values import Client, Company, Session, User

NOW = 1_767_225_600_000


@dataclass
class Ticks:
    now: float = 100.0

    def __call__(self):
        return self.now


class Tables(Held):
    """Tables that may fall silent, and that take their time to be read."""

    silent = False
    slowness = 0.0
    ticks: Ticks

    @property
    def rows(self):
        if self.silent:
            raise Refused(Outcome.STORE_SILENT, "silent")
        self.ticks.now += self.slowness
        return self._rows

    @rows.setter
    def rows(self, rows):
        self._rows = rows


class Worker:
    """
    One worker: what it remembers, and how it follows and reads.

    Args:
        hears: It is the worker that makes the changes, so it hears of them at once.

    """

    def __init__(self, stores, ticks, *, hears=False, most=1000, **more):
        self.remembered = Remembered(ticks, most, **more)
        self.follower = Follower(stores.feed, self.remembered, ticks)
        self.asking = ReadAndRemembered(stores, self.remembered)
        self.memory = FromMemory(self.remembered)
        if hears:
            stores.listen(self.remembered.apply)
        self.follower.poll()

    def remembers(self, session_id):
        try:
            return self.memory.standing_of(session_id).session.id == session_id
        except NotRemembered:
            return False

    def remembers_client(self, client_id):
        try:
            return self.memory.by_id(client_id).id == client_id
        except NotRemembered:
            return False

    def fill(self, *session_ids):
        for session_id in session_ids:
            self.asking.standing_of(session_id)


@dataclass
class Town:
    """The stores that all workers share."""

    ticks: Ticks = field(default_factory=Ticks)

    def __post_init__(self):
        self.now = NOW
        self.tables = Tables(Rows())
        self.tables.ticks = self.ticks
        self.stores = Memory(lambda: self.now, self.tables)
        session = Session("mei1", 1, "app", "mowork", "pc", b"mei1", None, NOW, None, NOW + 3_600_000, NOW)
        with self.stores.change(told("everything", "")) as change:
            for name in ("mei", "bo"):
                change.accounts.add(User(0, name, name, ""))
            for name in ("山海科技", "Acme"):
                change.companies.add(Company(0, name))
            change.companies.join(1, 1, is_admin=False)
            for name in ("app", "h5"):
                change.clients.add(Client(name, name, contracts=frozenset({"mowork"})))
            for which in (
                session,
                msgspec.structs.replace(session, id="mei2", token_digest=b"mei2", client_id="h5"),
                msgspec.structs.replace(session, id="bo1", token_digest=b"bo1", user_id=2),
            ):
                change.sessions.open(which)

    def worker(self, **more):
        return Worker(self.stores, self.ticks, **more)

    def tell(self, subject, subject_id):
        with self.stores.change(told(subject, subject_id)):
            pass


def told(subject, subject_id):
    return Event("test:told", subject, subject_id)


@pytest.fixture
def town():
    return Town()


class Lines(logging.Handler):
    """The lines that are logged, which a test can wait for."""

    def __init__(self):
        super().__init__()
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def emit(self, record):
        self._lines.put(logging.Formatter().format(record))

    def next(self):
        """Return the next line, with its traceback."""
        return self._lines.get(timeout=30)


@pytest.fixture
def lines():
    lines, log = Lines(), logging.getLogger("lingpai")
    log.addHandler(lines)
    yield lines
    log.removeHandler(lines)
