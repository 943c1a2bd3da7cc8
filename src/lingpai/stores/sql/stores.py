"""All roles over one database, and the change that writes them together."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from lingpai.stores.interfaces import (
    AccountBook,
    AccountStore,
    AuditTrail,
    Change,
    ClientBook,
    ClientStore,
    CodeBook,
    CodeStore,
    CompanyBook,
    CompanyStore,
    Feed,
    FeedBook,
    GenerationBook,
    GenerationStore,
    KeyBook,
    KeyStore,
    Migrations,
    MomentBook,
    MomentStore,
    NoticeBook,
    NoticeStore,
    SealStore,
    SessionBook,
    SessionStore,
    SessionTraces,
    Tables,
    TryBook,
    TryStore,
    WeakUseBook,
    WeakUseStore,
)
from lingpai.stores.sql.accounts import SqlAccountBook, SqlAccounts
from lingpai.stores.sql.asking import Silence, Within
from lingpai.stores.sql.clients import SqlClientBook, SqlClients
from lingpai.stores.sql.codes import SqlCodeBook, SqlCodes
from lingpai.stores.sql.companies import SqlCompanies, SqlCompanyBook
from lingpai.stores.sql.engine import Database
from lingpai.stores.sql.feed import SqlAudit, SqlAuditBook, SqlFeed, SqlFeedBook
from lingpai.stores.sql.generations import SqlGenerationBook, SqlGenerations
from lingpai.stores.sql.keys import SqlKeyBook, SqlKeys
from lingpai.stores.sql.migrations import HEAD, migrate
from lingpai.stores.sql.modules import SqlMigrations
from lingpai.stores.sql.moments import SqlMomentBook, SqlMoments
from lingpai.stores.sql.notices import SqlNoticeBook, SqlNotices
from lingpai.stores.sql.seals import SqlSeals
from lingpai.stores.sql.sessions import SqlSessionBook, SqlSessions, SqlTraces
from lingpai.stores.sql.sqlite import sqlite_engine, write_ahead
from lingpai.stores.sql.tries import SqlTries, SqlTryBook
from lingpai.stores.sql.weak_uses import SqlWeakUseBook, SqlWeakUses
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event, FeedEntry

VERSION = text("SELECT version_num FROM alembic_version")

Hear = Callable[[Sequence[FeedEntry]], None]


def open_sqlite(path: Path, clock: Clock, *, threads: int = 32) -> "SqlStores":
    """
    Return the stores that the file at *path* keeps, made and migrated where they have to be.

    Args:
        threads: How many may ask at once.

    Raises:
        UnsoundSqlite: The SQLite library can lose what it confirmed.

        OSError: The file can be neither found nor made.

        Refused: With STORE_SILENT, when the file is locked for long, or is no database.

    """
    engine = sqlite_engine(path, threads=threads)
    silence = Silence()
    with silence:
        write_ahead(engine)
        migrate(engine)
    # A writer that began as a reader could fail when it comes to write, and no waiting would help it.
    database = Database(engine, silence, begin="BEGIN IMMEDIATE", writers=1)
    return SqlStores(database, clock, SqlFeed(database.alone), SqlMigrations(engine))


class SqlChange:
    """One transaction over all roles."""

    def __init__(self, transaction: Within, event: Event) -> None:
        self._events = [event]
        self._audit = SqlAuditBook(transaction)
        self.accounts: AccountBook = SqlAccountBook(transaction)
        self.companies: CompanyBook = SqlCompanyBook(transaction)
        self.clients: ClientBook = SqlClientBook(transaction)
        self.sessions: SessionBook = SqlSessionBook(transaction)
        self.generations: GenerationBook = SqlGenerationBook(transaction)
        self.codes: CodeBook = SqlCodeBook(transaction)
        self.tries: TryBook = SqlTryBook(transaction)
        self.notices: NoticeBook = SqlNoticeBook(transaction)
        self.keys: KeyBook = SqlKeyBook(transaction)
        self.moments: MomentBook = SqlMomentBook(transaction)
        self.weak_uses: WeakUseBook = SqlWeakUseBook(transaction)
        self._feed = SqlFeedBook(transaction)
        self.feed: FeedBook = self._feed
        self.tables: Tables = transaction

    def about(self, subject_id: str) -> None:
        self._events[0] = replace(self._events[0], subject_id=subject_id)

    def also(self, event: Event) -> None:
        self._events.append(event)

    def record(self, at: int) -> Sequence[FeedEntry]:
        """Write down all that happened, and return what memories must hear of it."""
        for event in self._events:
            self._audit.record(event, at)
        return [self._feed.tell(event, at) for event in self._events if event.told]


class SqlStores:
    """All roles, for reading and, by `change`, for writing."""

    def __init__(self, database: Database, clock: Clock, feed: Feed, migrations: Migrations) -> None:
        self._database = database
        self._clock = clock
        self._listeners: list[Hear] = []
        alone = self._database.alone
        self.accounts: AccountStore = SqlAccounts(alone)
        self.companies: CompanyStore = SqlCompanies(alone)
        self.clients: ClientStore = SqlClients(alone)
        self.sessions: SessionStore = SqlSessions(alone)
        self.traces: SessionTraces = SqlTraces(self._database, clock)
        self.generations: GenerationStore = SqlGenerations(alone)
        self.codes: CodeStore = SqlCodes(alone)
        self.tries: TryStore = SqlTries(self._database)
        self.notices: NoticeStore = SqlNotices(alone)
        self.keys: KeyStore = SqlKeys(alone)
        self.feed = feed
        self.audit: AuditTrail = SqlAudit(alone)
        self.seals: SealStore = SqlSeals(self._database)
        self.moments: MomentStore = SqlMoments(self._database)
        self.tables: Tables = alone
        self.migrations = migrations
        self.weak_uses: WeakUseStore = SqlWeakUses(self._database)

    @contextmanager
    def change(self, event: Event) -> Iterator[Change]:
        with self._database.writing() as transaction:
            change = SqlChange(transaction, event)
            yield change
            entries = change.record(self._clock())
        for hear in self._listeners:
            hear(entries)

    def is_migrated(self) -> bool:
        row = self._database.alone.row(VERSION)
        return row is not None and row[0] >= HEAD

    def listen(self, hear: Hear) -> None:
        self._listeners.append(hear)

    def close(self) -> None:
        self._database.close()
