"""
How the roles put a statement to the database, and the one place where its silence gets a word.

A role that is read asks *alone*, each statement in a transaction of its own; a role
that is written asks *within* the transaction of its change.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lingpai.stores.sql.dialects import PerDialect
from lingpai.vocabulary.outcomes import Outcome, Refused

Row = Sequence[Any]
"""What a statement returned, column by column."""

Statement = Executable | PerDialect
"""What may be asked; built once, at the top of a role's file."""

OURS = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
"""What the engine objects to because we asked wrongly: a defect of the caller, and no silence."""


def is_lost(error: DBAPIError) -> bool:
    """Return whether the engine gave no answer at all: the connection broke, or was never made."""
    return bool(error.connection_invalidated) or not getattr(error.orig, "sqlstate", "")


class Silence:
    """
    Turns what the engine could not do into `Outcome.STORE_SILENT`, around whatever asks it.

    Args:
        rest_seconds: For so long after a try that got no answer everybody is refused at once, without asking.
            Then one tries again; until that try is over the others are still refused.

    """

    def __init__(self, rest_seconds: float = 0.0) -> None:
        self._rest_seconds = rest_seconds
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def __enter__(self) -> None:
        if self._rests_until and not self._may_try():
            raise Refused(Outcome.STORE_SILENT, "the database gave no answer a moment ago")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PoolTimeout):
            self._rests_until = self._rests_until and time.monotonic() + self._rest_seconds
            raise Refused(Outcome.STORE_SILENT, "no connection became free") from error
        if isinstance(error, DBAPIError) and not isinstance(error, OURS):
            self._rests_until = time.monotonic() + self._rest_seconds if is_lost(error) and self._rest_seconds else 0.0
            # What the driver says, without the statement and its values.
            said = " ".join(str(error.orig).split())
            raise Refused(Outcome.STORE_SILENT, f"{type(error.orig).__name__}: {said}") from error
        self._rests_until = 0.0

    def _may_try(self) -> bool:
        with self._lock:
            is_over = time.monotonic() >= self._rests_until
            if is_over:
                self._rests_until = time.monotonic() + LONGEST_TRY_SECONDS
            return is_over


LONGEST_TRY_SECONDS = 10.0
"""A try that takes longer is thought never to end, and another is made."""


class Asking(Protocol):
    """What a role needs to be answered."""

    def rows(self, statement: Statement, /, **values: object) -> Sequence[Row]:
        """Return every row that *statement* returns with *values* bound."""

    def row(self, statement: Statement, /, **values: object) -> Row | None:
        """Return the first row, or None."""


T = TypeVar("T")


class Line:
    """
    The way to one engine.

    Args:
        silence: Around everything that is asked, so that all know of a silence that one has met.

    """

    def __init__(self, engine: Engine, silence: Silence) -> None:
        self._engine = engine
        self.silence = silence

    def opened(self, ask: Callable[[Connection], T]) -> tuple[Connection, T]:
        """
        Return a connection, to be closed, and what it answered to *ask*, its first question.

        A connection that died in the pool (the server was restarted, a firewall forgot it) is
        replaced by a new one, unless finding that out took long: then the server is silent.
        """
        with self.silence:
            began = time.monotonic()
            try:
                return self._opened(ask)
            except DBAPIError as error:
                if not error.connection_invalidated or time.monotonic() - began > SOON_SECONDS:
                    raise
            return self._opened(ask)

    def _opened(self, ask: Callable[[Connection], T]) -> tuple[Connection, T]:
        connection = self._engine.connect()
        try:
            return connection, ask(connection)
        except BaseException:
            connection.close()
            raise


SOON_SECONDS = 0.5
"""A connection that breaks so soon was dead before it was asked."""


class Alone:
    """Each question in a transaction of its own, which sees all that was committed before it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def rows(self, statement: Statement, /, **values: object) -> Sequence[Row]:
        connection, rows = self._line.opened(lambda connection: _execute(connection, statement, values))
        connection.close()
        return rows

    def row(self, statement: Statement, /, **values: object) -> Row | None:
        return next(iter(self.rows(statement, **values)), None)


class Within:
    """
    All questions in one transaction, which after a failed one answers no more and must not be committed.

    Some failures undo the transaction beneath us (SQLite: a full disk; PostgreSQL: any), so what a caller
    who swallowed the exception went on to write would be kept in part.
    """

    def __init__(self, connection: Connection, silence: Silence) -> None:
        self._connection = connection
        self._silence = silence
        self._failed = False

    def rows(self, statement: Statement, /, **values: object) -> Sequence[Row]:
        with self:
            return _execute(self._connection, statement, values)

    def row(self, statement: Statement, /, **values: object) -> Row | None:
        return next(iter(self.rows(statement, **values)), None)

    def each(self, statement: Executable, values: Sequence[Mapping[str, object]]) -> None:
        """Execute *statement* once for each of *values*, in order."""
        with self:
            if values:
                self._connection.execute(statement, values)

    def commit(self) -> None:
        """Make it true, on stable storage."""
        with self:
            self._connection.commit()

    def __enter__(self) -> None:
        if self._failed:
            raise Refused(Outcome.STORE_SILENT, "an earlier statement of this change failed")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._failed = error is not None
        self._silence.__exit__(kind, error, trace)


def _execute(connection: Connection, statement: Statement, values: Mapping[str, object]) -> Sequence[Row]:
    if isinstance(statement, PerDialect):
        statement = statement.of(connection.dialect.name)
    try:
        result = connection.execute(statement, values)
    except (OverflowError, UnicodeEncodeError, DataError):
        # A number wider than any column, text that is no text: what cannot be kept is not there.
        if statement.is_select:
            return ()
        raise
    return result.all() if result.returns_rows else ()
