"""One database: reads that each stand alone, and one writer of this process at a time."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from lingpai.stores.sql.asking import SILENCE, Alone, Within
from lingpai.vocabulary.outcomes import Outcome, Refused

WAIT_SECONDS = 5
"""How long a writer waits for those before it, in its own process and then in others."""


def json_text(value: object) -> str:
    """Return *value* as JSON that a person can read in the table: Chinese stays Chinese."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Turn:
    """
    The writers' queue of one process.

    SQLite has one writer at a time, and its own way of waiting is a poll that is not fair.
    """

    def __init__(self, writers: int) -> None:
        self._free = threading.Semaphore(writers)
        self._thread = threading.local()

    def __enter__(self) -> None:
        if getattr(self._thread, "writes", False):
            raise RuntimeError("a change inside a change would wait for itself")
        if not self._free.acquire(timeout=WAIT_SECONDS):
            raise Refused(Outcome.STORE_SILENT, "the writers before this one take too long")
        self._thread.writes = True

    def __exit__(self, *_: object) -> None:
        self._thread.writes = False
        self._free.release()


class Database:
    """
    How the roles reach one engine.

    Args:
        engine: On SQLite one that begins no transaction by itself (see `sqlite.py`).

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        is_sqlite = engine.dialect.name == "sqlite"
        # PostgreSQL's writers queue at its rows, and at the pool.
        self._turn = Turn(writers=1 if is_sqlite else 1_000)
        # A writer that began as a reader could fail when it comes to write, and no waiting would help it.
        self._begin = "BEGIN IMMEDIATE" if is_sqlite else ""
        reading = engine if is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        self.alone = Alone(reading)

    @contextmanager
    def writing(self) -> Iterator[Within]:
        """Return a transaction: after the block it is on stable storage; if the block raises, it never was."""
        with self._turn, self._connection() as connection:
            transaction = Within(connection)
            try:
                transaction.begin(self._begin)
                yield transaction
                transaction.commit()
            except BaseException:
                # What cannot be rolled back is a broken connection, which the pool drops.
                with suppress(DBAPIError):
                    connection.rollback()
                raise

    def _connection(self) -> Connection:
        with SILENCE:
            return self._engine.connect()

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()
