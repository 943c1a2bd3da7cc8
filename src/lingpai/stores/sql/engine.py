"""One database: reads that each stand alone, and one writer of this process at a time."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from lingpai.stores.sql.asking import Alone, Line, Silence, Within
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
        engine: One whose driver begins no transaction by itself (see `sqlite.py` and `postgres.py`).
        begin: The words with which a writer begins.
        writers: How many of this process may write at once.

    """

    def __init__(self, engine: Engine, silence: Silence, *, begin: str, writers: int) -> None:
        self._engine = engine
        self._line = Line(engine, silence)
        self._begin = begin
        self._turn = Turn(writers)
        self.alone = Alone(self._line)

    @contextmanager
    def writing(self) -> Iterator[Within]:
        """Return a transaction: after the block it is on stable storage; if the block raises, it never was."""
        with self._turn:
            connection, _ = self._line.opened(lambda connection: connection.exec_driver_sql(self._begin))
            with connection:
                transaction = Within(connection, self._line.silence)
                try:
                    yield transaction
                    transaction.commit()
                except BaseException:
                    # What cannot be rolled back is a broken connection, which the pool drops.
                    with suppress(DBAPIError):
                        connection.rollback()
                    raise

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()
