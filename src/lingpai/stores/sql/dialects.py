"""The statements that SQLAlchemy spells once for each dialect: inserts that may meet a row that is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


@dataclass(frozen=True, slots=True)
class PerDialect:
    """One statement in the words of each engine."""

    sqlite: Executable
    postgresql: Executable

    def of(self, dialect: str) -> Executable:
        """Return the statement as *dialect* says it."""
        return self.sqlite if dialect == "sqlite" else self.postgresql


def insert_unless_taken(table: Table, returning: ColumnElement[object]) -> PerDialect:
    """Return an insert that returns *returning*, or no row where a unique value is taken."""
    return per_dialect(table, lambda insert: insert.on_conflict_do_nothing().returning(returning))


Merge = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]]
"""What a column holds once a row that holds the first meets an insert of the second."""


def insert_or_replace(
    table: Table, *, key: Sequence[str], replaced: Sequence[str], by: Merge = lambda _kept, offered: offered
) -> PerDialect:
    """Return an insert that, where *key* is there, gives its row what *by* makes of the old and new *replaced*."""
    return insert_or_merge(table, key=key, merged=dict.fromkeys(replaced, by))


def insert_or_merge(table: Table, *, key: Sequence[str], merged: Mapping[str, Merge]) -> PerDialect:
    """Return an insert that, where *key* is there, gives each column of *merged* what its own rule makes of the two."""

    def upsert(insert: Insert) -> Executable:
        return insert.on_conflict_do_update(
            index_elements=key,
            set_={name: by(table.c[name], insert.excluded[name]) for name, by in merged.items()},
        )

    return per_dialect(table, upsert)


def per_dialect(table: Table, finish: Callable[[Insert], Executable]) -> PerDialect:
    """Return what *finish* makes of an insert into *table*, in the words of each engine."""
    return PerDialect(finish(sqlite.insert(table)), finish(postgresql.insert(table)))
