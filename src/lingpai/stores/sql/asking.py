"""
How the roles put a statement to the database, and the one place where its silence gets a word.

A role that is read asks *alone*, each statement in a transaction of its own; a role
that is written asks *within* the transaction of its change.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol

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


class Silence:
    """Turns what the engine could not do into `Outcome.STORE_SILENT`, around whatever touches it."""

    def __enter__(self) -> None:
        """Begin to listen."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PoolTimeout):
            raise Refused(Outcome.STORE_SILENT, "no connection became free") from error
        if isinstance(error, DBAPIError) and not isinstance(error, OURS):
            # What the driver says, without the statement and its values.
            raise Refused(Outcome.STORE_SILENT, f"{type(error.orig).__name__}: {error.orig}") from error


SILENCE = Silence()


class Asking(Protocol):
    """What a role needs to be answered."""

    def rows(self, statement: Statement, **values: object) -> Sequence[Row]:
        """Return every row that *statement* returns with *values* bound."""

    def row(self, statement: Statement, **values: object) -> Row | None:
        """Return the first row, or None."""


class Alone:
    """Each question in a transaction of its own, which sees all that was committed before it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def rows(self, statement: Statement, **values: object) -> Sequence[Row]:
        with SILENCE, self._engine.connect() as connection:
            return _execute(connection, statement, values)

    def row(self, statement: Statement, **values: object) -> Row | None:
        return next(iter(self.rows(statement, **values)), None)


class Within:
    """
    All questions in one transaction, which after a failed one answers no more and must not be committed.

    Some failures undo the transaction beneath us (SQLite: a full disk; PostgreSQL: any), so what a caller
    who swallowed the exception went on to write would be kept in part.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._failed = False

    def rows(self, statement: Statement, **values: object) -> Sequence[Row]:
        with self:
            return _execute(self._connection, statement, values)

    def row(self, statement: Statement, **values: object) -> Row | None:
        return next(iter(self.rows(statement, **values)), None)

    def each(self, statement: Executable, values: Sequence[Mapping[str, object]]) -> None:
        """Execute *statement* once for each of *values*, in order."""
        with self:
            if values:
                self._connection.execute(statement, values)

    def begin(self, words: str) -> None:
        """Begin, with *words* where the driver does not begin by itself."""
        with self:
            if words:
                self._connection.exec_driver_sql(words)

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
        SILENCE.__exit__(kind, error, trace)


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
