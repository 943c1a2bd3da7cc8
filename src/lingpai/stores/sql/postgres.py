"""PostgreSQL as a store: how each connection is set, how long its silence is borne, and what it must be able to."""

from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, NullPool, QueuePool, create_engine, text
from sqlalchemy.exc import DBAPIError

from lingpai.stores.interfaces import Migrations
from lingpai.stores.sql.asking import Silence
from lingpai.stores.sql.channel import Channel
from lingpai.stores.sql.engine import Database, json_text
from lingpai.stores.sql.migrations import migrate
from lingpai.stores.sql.modules import SqlMigrations
from lingpai.stores.sql.snapshots import ADOPT, SnapshotFeed
from lingpai.stores.sql.stores import SqlStores
from lingpai.vocabulary.clock import Clock

RV = TypeVar("RV")
Parameters = dict[str, Any]

PARAMETERS: Parameters = {
    "connect_timeout": 2,
    "tcp_user_timeout": 3000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "client_encoding": "utf8",
    "application_name": "lingpai",
}
"""How we connect, where the URL does not say otherwise."""

REST_SECONDS = 1.0
"""For so long after a try that got no answer nobody asks."""

ANSWER_SECONDS = 3.5
"""After so long without an answer a server is silent; those that are alive give up on a statement before."""

POOL_SECONDS = 1.0
"""So long anybody waits for a free connection."""

RECYCLED_SECONDS = 1800
"""A connection that was made longer ago is made anew: behind a balancer, it may lead to a server that left."""

OLDEST = 130_000
"""PostgreSQL 13: the first whose transactions have numbers that do not come round."""

# A role, a database or a server may have other defaults; these are what our promises rest on. Weaker than
# "local", a commit is answered before it is on stable storage; what is stronger stays.
SET_UP = """
    SELECT
        set_config('statement_timeout', '3000', false),
        set_config('idle_in_transaction_session_timeout', '5000', false),
        set_config(
            'synchronous_commit',
            CASE current_setting('synchronous_commit')
                WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit')
            END,
            false
        )
"""

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"


class UnfitPostgres(RuntimeError):
    """PostgreSQL cannot keep our data. The message says why in one line, and holds no password."""


class Patient(psycopg.Connection[Any]):
    """
    A connection that waits for each answer only so long.

    A server that is stopped while its machine lives acknowledges every packet, so
    neither `tcp_user_timeout` nor its own `statement_timeout` would ever end the wait.
    """

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.OperationalError:
            if timeout is None and self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # The question is still open: whatever comes now would be taken for another's answer.
                self.pgconn.finish()
            raise


class PostgresStores(SqlStores):
    """All roles, and the channel on which followers are called."""

    def __init__(self, database: Database, clock: Clock, channel: Channel, migrations: Migrations) -> None:
        super().__init__(database, clock, SnapshotFeed(database.alone, channel), migrations)
        self._channel = channel
        self.listen(channel.call)

    def close(self) -> None:
        self._channel.close()
        super().close()


def open_postgres(url: str, clock: Clock, *, connections: int = 12) -> PostgresStores:
    """
    Return the stores that the database at *url* keeps, its tables made and migrated where they have to be.

    Several nodes may start at once.

    Args:
        url: As libpq reads it: `postgresql://user:password@host:5432/name?sslmode=require`.
        connections: How many may ask at once; one more is used to be called on.

    Raises:
        UnfitPostgres: The URL cannot be read, or the database cannot keep our tables.

        Refused: With STORE_SILENT, when the server does not answer, or lets us not in.

        alembic.util.CommandError: The database was made by a later version of Lingpai.

    """
    parameters = PARAMETERS | connection_parameters(url)
    _prepare(parameters)
    engine = create_engine(
        "postgresql+psycopg://",
        creator=partial(_connect, parameters),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_recycle=RECYCLED_SECONDS,
        pool_use_lifo=True,
        # Writers begin in words (see `BEGIN`), which costs one round trip and not two.
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        hide_parameters=True,
        json_serializer=json_text,
    )
    # Writers queue at the rows that they change, and at the pool.
    database = Database(engine, Silence(REST_SECONDS), begin=BEGIN, writers=connections)
    return PostgresStores(database, clock, Channel(partial(_connect, parameters)), SqlMigrations(_patient(parameters)))


def connection_parameters(url: str) -> Parameters:
    """
    Return what libpq connects by.

    Raises:
        UnfitPostgres: The URL cannot be read. Nothing of it is told: it may hold a password.

    """
    try:
        return conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    except psycopg.ProgrammingError:
        # What libpq says of it can quote the password.
        raise UnfitPostgres("cannot be read; it looks like postgresql://user:password@host:5432/name") from None


def _connect(parameters: Parameters) -> Patient:
    connection = Patient.connect(autocommit=True, **parameters)
    try:
        connection.execute(SET_UP)
    except BaseException:
        connection.close()
        raise
    return connection


def _patient(parameters: Parameters) -> Engine:
    # Its connections wait for as long as a migration takes, here or on another node.
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**parameters),
        poolclass=NullPool,
        use_native_hstore=False,
        hide_parameters=True,
    )


def _prepare(parameters: Parameters) -> None:
    engine = _patient(parameters)
    try:
        with Silence():
            _check(engine)
            migrate(engine)
            with engine.begin() as connection:
                connection.execute(ADOPT)
    except DBAPIError as error:
        raise UnfitPostgres(" ".join(str(error.orig).split())) from None
    finally:
        engine.dispose()


def _check(engine: Engine) -> None:
    with engine.connect() as connection:
        encoding, version = connection.execute(
            text("SELECT current_setting('server_encoding'), current_setting('server_version_num')::int")
        ).one()
    if version < OLDEST:
        raise UnfitPostgres(f"PostgreSQL {version // 10_000} is too old: 13 or newer is asked for")
    if encoding != "UTF8":
        raise UnfitPostgres(f"the database is encoded in {encoding}: make one with ENCODING 'UTF8'")
